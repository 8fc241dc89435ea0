"""The descent of a wider-family model from its closed-form start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.photographs import write_photographs

from trainer.images.photos import Photos, load_photos
from trainer.synthesis import SynthesisRecipe, draw_extended
from trainer.synthesis.descent import train_extended
from trainer.synthesis.extended_autoencoder import ExtendedAutoencoder

RECIPE = SynthesisRecipe(steps=30, solve_crops=4)
SOLVED = replace(RECIPE, steps=0)
MANY = tuple(draw_extended(number) for number in range(10))
BATCH_NORM = next(
    a for a in map(draw_extended, range(50)) if a.normalisation == "batch" and a.width <= 24
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    folder = write_photographs(tmp_path_factory.mktemp("photos"), 6)
    return load_photos(Path(folder), side=128)


def test_descent_lowers_the_error_and_never_raises_it(photos: Photos) -> None:
    before = torch.tensor(
        [train_extended(a, 0, photos, SOLVED).reconstruction_error for a in MANY]
    )
    after = torch.tensor([train_extended(a, 0, photos, RECIPE).reconstruction_error for a in MANY])
    assert (after <= before).all()
    assert (after / before).median() < 0.9


def test_the_error_is_that_of_the_saved_weights(photos: Photos) -> None:

    model = train_extended(BATCH_NORM, 1, photos, RECIPE)
    network = ExtendedAutoencoder(BATCH_NORM, 1)
    network.load_state_dict(model.state)
    crops = torch.from_numpy(photos.crops(32, 64, np.random.default_rng(0))).float() / 255
    with torch.no_grad():
        error = (2 * (network.eval()(crops) - crops)).square().mean().item()
    assert error == pytest.approx(model.reconstruction_error, rel=1e-5)


def test_descent_moves_every_layer(photos: Photos) -> None:
    model = train_extended(MANY[0], 0, photos, RECIPE)
    drawn = ExtendedAutoencoder(MANY[0], 0).state_dict()
    assert (
        model.reconstruction_error
        < train_extended(MANY[0], 0, photos, SOLVED).reconstruction_error
    )
    assert all(not torch.equal(model.state[name], drawn[name]) for name in drawn)


def test_without_steps_the_random_layers_stay(photos: Photos) -> None:
    model = train_extended(MANY[0], 0, photos, SOLVED)
    drawn = ExtendedAutoencoder(MANY[0], 0).state_dict()
    assert model.steps == 0
    changed = {name for name in drawn if not torch.equal(model.state[name], drawn[name])}
    assert changed == {"last.weight", "last.bias"}


def test_no_gradient_below_the_floor(photos: Photos) -> None:
    model = train_extended(MANY[0], 0, photos, replace(RECIPE, floor=10.0))
    solved = train_extended(MANY[0], 0, photos, SOLVED)
    assert all(torch.equal(model.state[name], solved.state[name]) for name in solved.state)


def test_the_same_model_twice(photos: Photos) -> None:
    once, again = (train_extended(BATCH_NORM, 3, photos, RECIPE) for _ in range(2))
    assert once.reconstruction_error == again.reconstruction_error
    assert all(torch.equal(once.state[name], again.state[name]) for name in once.state)


def test_settling_forgets_earlier_statistics() -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    once, again = ExtendedAutoencoder(BATCH_NORM, 0), ExtendedAutoencoder(BATCH_NORM, 0)
    once.settle(images)
    again.settle(1 - images.square())
    again.settle(images)
    with torch.no_grad():
        torch.testing.assert_close(once(images), again(images))


def test_target_is_the_image_or_sharper_and_in_range() -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    plain = ExtendedAutoencoder(replace(MANY[0], sharpen=0.0), 0)
    sharp = ExtendedAutoencoder(replace(MANY[0], sharpen=1.0), 0)
    assert torch.equal(plain.target(images), images)
    sharpened = sharp.target(images)
    assert sharpened.min() >= 0
    assert sharpened.max() <= 1
    assert sharpened.std() > images.std()
