"""Synthetic models (paper III-B): the 288 architectures, grouped training, the closed form."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.photographs import write_photographs
from torch import Tensor
from torch.nn import functional

from trainer.images.photos import Photos, load_photos
from trainer.synthesis import (
    Architecture,
    GroupedAutoencoder,
    SynthesisRecipe,
    SyntheticModel,
    named_architectures,
    paper288,
    parse_architecture,
    solve_last_convolution,
    train_architecture,
)
from trainer.synthesis.autoencoder import join_states, split_state

RECIPE = SynthesisRecipe(
    steps=4, batch=2, side=16, solve_crops=4, floor=0.0, bfloat16=False, spread=0.1
)
MIXED = (
    Architecture(width=4),
    Architecture(2, 2, "pre", "transposed", "tanh", "batch", 4),
    Architecture(1, 2, "post", "nearest", "sigmoid", "instance", 4),
    Architecture(2, 1, "post", "bilinear", "relu", "batch", 4),
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return load_photos(write_photographs(tmp_path_factory.mktemp("photos"), 6), side=32)


def unit_crops(photos: Photos, count: int, seeds: int, side: int = 16) -> Tensor:
    """Other crops for each seed, float32 (count, seeds, 3, side, side)."""
    crops = [photos.crops(count, side, np.random.default_rng(s)) for s in range(seeds)]
    return torch.from_numpy(np.stack(crops, axis=1)).float() / 255


def assert_same_state(a: dict[str, Tensor], b: dict[str, Tensor], **tolerance: float) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(
            a[name], b[name], msg=lambda m, n=name: f"{n}: {m}", **tolerance
        )


# Architectures


def test_paper288_is_the_papers_product() -> None:
    axes = itertools.product(
        {1, 2},
        {1, 2},
        {"post", "pre"},
        {"bilinear", "nearest", "transposed"},
        {"none", "relu", "sigmoid", "tanh"},
        {"none", "batch", "instance"},
    )
    found = [
        (a.blocks, a.convolutions, a.order, a.upsampling, a.activation, a.normalisation)
        for a in paper288()
    ]
    assert len(found) == 288
    assert set(found) == set(axes)
    assert {a.width for a in paper288()} == {32}


def test_ids_are_unique_and_read_back() -> None:
    architectures = paper288() + paper288(8)
    assert len({a.id for a in architectures}) == 576
    assert tuple(parse_architecture(a.id) for a in architectures) == architectures


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "k3-l1-post-bilinear-relu-none-w32",
        "k1-l0-post-bilinear-relu-none-w32",
        "k1-l1-mid-bilinear-relu-none-w32",
        "k1-l1-post-bicubic-relu-none-w32",
        "k1-l1-post-bilinear-gelu-none-w32",
        "k1-l1-post-bilinear-relu-layer-w32",
        "k1-l1-post-bilinear-relu-none-w0",
        "kx-l1-post-bilinear-relu-none-w32",
        "k1-l1-post-bilinear-relu-none-w32-",
        "1-1-post-bilinear-relu-none-32",
    ],
)
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_architecture(text)


def test_named_architectures() -> None:
    assert named_architectures("paper288", 16) == paper288(16)
    first, second = paper288()[3], paper288(8)[77]
    assert named_architectures(f"{first.id}, {second.id}") == (first, second)


# The network


@pytest.mark.parametrize("blocks", [1, 2])
def test_every_architecture_yields_images_in_range(blocks: int, photos: Photos) -> None:
    pixels = torch.from_numpy(photos.crops(2, 16, np.random.default_rng(0)))
    for architecture in (a for a in paper288(4) if a.blocks == blocks):
        network = GroupedAutoencoder(architecture, (0, 1)).eval()
        with torch.no_grad():
            out = network((pixels.float() / 255)[:, None].expand(-1, 2, -1, -1, -1))
        assert out.shape == (2, 2, 3, 16, 16), architecture.id
        assert out.isfinite().all(), architecture.id
        if architecture.order == "post":
            if architecture.activation == "relu":
                assert out.min() >= 0
            if architecture.activation in ("sigmoid", "tanh"):
                assert out.min() >= 0, architecture.id
                assert out.max() <= 1, architecture.id
        rendered = network.render(pixels)
        assert rendered.dtype == torch.uint8
        assert rendered.shape == out.shape
        assert (rendered == (out.clamp(0, 1) * 255).round()).all(), architecture.id
        assert (rendered[:, 0] != rendered[:, 1]).any(), architecture.id


def test_layer_counts_follow_the_architecture() -> None:
    for a in paper288(4):
        network = GroupedAutoencoder(a, (0,))
        kinds = [type(m).__name__ for m in network.modules()]
        up, down = a.blocks, a.blocks
        assert kinds.count("AvgPool2d") == down
        assert kinds.count("Conv2d") == 2 * down + a.convolutions * up
        assert kinds.count("ConvTranspose2d") == (up if a.upsampling == "transposed" else 0)
        norms = a.convolutions * up
        assert kinds.count("BatchNorm2d") == 2 * down + norms * (a.normalisation == "batch")
        assert kinds.count("InstanceNorm2d") == norms * (a.normalisation == "instance")
        assert network.decoder[-1].convolutions[-1].out_channels == 3


@pytest.mark.parametrize("architecture", MIXED, ids=lambda a: a.id)
def test_each_seed_starts_the_same_whichever_seeds_are_beside_it(
    architecture: Architecture,
) -> None:
    together = split_state(GroupedAutoencoder(architecture, (4, 7, 1)))
    for seed, state in zip((4, 7, 1), together, strict=True):
        assert_same_state(
            state, GroupedAutoencoder(architecture, (seed,)).state_dict(), rtol=0, atol=0
        )


@pytest.mark.parametrize("architecture", MIXED, ids=lambda a: a.id)
def test_the_seeds_of_a_group_never_mix(architecture: Architecture, photos: Photos) -> None:
    images = unit_crops(photos, 2, 3)
    network = GroupedAutoencoder(architecture, (0, 1, 2)).train()
    with torch.no_grad():
        before = network(images)
        images[:, 1] = 1 - images[:, 1]
        after = network(images)
    assert (before[:, 1] != after[:, 1]).any()
    torch.testing.assert_close(before[:, [0, 2]], after[:, [0, 2]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", MIXED, ids=lambda a: a.id)
def test_states_split_and_join(architecture: Architecture, photos: Photos) -> None:
    network = GroupedAutoencoder(architecture, (5, 2)).train()
    images = unit_crops(photos, 2, 2)
    network(images)  # moves the running statistics
    network.eval()
    states = dict(zip((5, 2), split_state(network), strict=True))
    assert_same_state(
        join_states(architecture, states).state_dict(), network.state_dict(), rtol=0, atol=0
    )
    with torch.no_grad():
        alone = join_states(architecture, {2: states[2]})(images[:, 1:])
        torch.testing.assert_close(alone, network(images)[:, 1:], rtol=1e-4, atol=1e-5)
    for state in states.values():
        assert all(value.is_contiguous() for value in state.values())


def test_spread_moves_the_power_of_a_kernel_to_its_centre() -> None:
    flat, peaked = (GroupedAutoencoder(Architecture(), (0,), spread=s) for s in (1.0, 0.1))
    a, b = (n.encoder[0][4].weight.detach().square().sum((0, 1)) for n in (flat, peaked))
    assert float(b.sum()) == pytest.approx(float(a.sum()), rel=0.1)  # 1024 kernels
    assert float(a[1, 1] / a.sum()) == pytest.approx(1 / 9, rel=0.1)
    assert float(b[1, 1] / b.sum()) == pytest.approx(1 / 1.08, rel=0.1)


# The closed form


def errors(network: GroupedAutoencoder, images: Tensor) -> Tensor:
    with torch.no_grad():
        return (2 * (network.eval()(images) - images)).square().mean((0, 2, 3, 4))


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(1, 1, "post", "bilinear", "none", "none", 4),
        Architecture(1, 2, "pre", "transposed", "tanh", "none", 4),
        Architecture(2, 1, "pre", "nearest", "relu", "batch", 4),
        Architecture(1, 1, "post", "transposed", "sigmoid", "none", 4),
    ],
    ids=lambda a: a.id,
)
def test_the_closed_form_is_the_least_squares_solution(
    architecture: Architecture, photos: Photos
) -> None:
    images = unit_crops(photos, 6, 2)
    network = GroupedAutoencoder(architecture, (0, 1))
    solve_last_convolution(network, images, ridge=0.0)
    network.eval()
    convolution = network.decoder[-1].convolutions[-1]
    inputs: list[Tensor] = []
    convolution.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        network(images)
    target = images if network.unit_range else 2 * images - 1
    if architecture.activation == "sigmoid":
        target = torch.logit(target, 0.02)
    width = inputs[0].shape[1] // 2
    for seed in range(2):
        features = inputs[0][:, seed * width : (seed + 1) * width].double().numpy()
        padded = np.pad(features, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, width * 9)
        rows = np.hstack([rows, np.ones((len(rows), 1))])
        wanted = target[:, seed].double().numpy().transpose(0, 2, 3, 1).reshape(-1, 3)
        best = np.linalg.lstsq(rows, wanted, rcond=None)[0]
        mine = slice(3 * seed, 3 * seed + 3)
        weight = convolution.weight[mine].detach().double().numpy().reshape(3, -1)
        bias = convolution.bias[mine].detach().double().numpy()
        found = np.vstack([weight.T, bias[None]])
        least = np.square(rows @ best - wanted).mean()
        assert np.square(rows @ found - wanted).mean() == pytest.approx(least, rel=1e-4)


def test_the_ridge_is_that_of_scikit_learn(photos: Photos) -> None:
    from sklearn.linear_model import Ridge

    images = unit_crops(photos, 6, 1)
    network = GroupedAutoencoder(Architecture(1, 1, "pre", "nearest", "tanh", "none", 4), (3,))
    solve_last_convolution(network, images, ridge=0.05)
    convolution = network.eval().decoder[-1].convolutions[-1]
    inputs: list[Tensor] = []
    convolution.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        network(images)
    rows = functional.unfold(inputs[0], 3, padding=1).transpose(1, 2).flatten(0, 1)
    rows = rows.double().numpy()
    wanted = (2 * images[:, 0] - 1).permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    power = np.square(rows - rows.mean(0)).sum(0).mean()
    reference = Ridge(alpha=0.05 * power).fit(rows, wanted)
    found = convolution.weight.detach().reshape(3, -1).numpy()
    np.testing.assert_allclose(found, reference.coef_, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        convolution.bias.detach().numpy(), reference.intercept_, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("order", ["post", "pre"])
def test_the_closed_form_never_raises_the_error(order: str, photos: Photos) -> None:
    images = unit_crops(photos, 4, 2)
    for architecture in (a for a in paper288(4) if a.order == order):
        network = GroupedAutoencoder(architecture, (0, 1), spread=0.1)
        network.train()(images)
        before = errors(network, images)
        solve_last_convolution(network, images)
        after = errors(network, images)
        assert (after <= before).all(), f"{architecture.id}: {before} -> {after}"


def test_the_closed_form_keeps_the_mode_and_the_momentum(photos: Photos) -> None:
    images = unit_crops(photos, 2, 1)
    for training in (False, True):
        network = GroupedAutoencoder(MIXED[1], (0,)).train(training)
        solve_last_convolution(network, images)
        assert {m.training for m in network.modules()} == {training}
        norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert {m.momentum for m in norms} == {0.1}


# Training


def assert_same_model(a: SyntheticModel, b: SyntheticModel, photos: Photos) -> None:
    """Equal but for rounding, which a descent amplifies.

    A bias before a batch normalisation has no gradient but rounding, which Adam makes steps of.
    Running statistics lag behind it, so the models are compared under those of the batch.
    """
    assert (a.architecture, a.seed, a.steps) == (b.architecture, b.seed, b.steps)
    assert a.reconstruction_error == pytest.approx(b.reconstruction_error, rel=0.02)
    images = unit_crops(photos, 2, 1)
    with torch.no_grad():
        out_a, out_b = (
            join_states(m.architecture, {m.seed: m.state}).train()(images) for m in (a, b)
        )
    torch.testing.assert_close(out_a, out_b, rtol=0, atol=2e-3)
    for name in (name for name, value in a.state.items() if value.ndim == 4):
        torch.testing.assert_close(a.state[name], b.state[name], rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, closed_form=False, batch=4),
        replace(RECIPE, closed_form=False, batch=4, floor=0.05),
        replace(RECIPE, steps=0, solve_crops=8),
    ],
    ids=["descent", "descent with a floor", "closed form"],
)
@pytest.mark.parametrize("architecture", MIXED, ids=lambda a: a.id)
def test_training_together_equals_training_apart(
    architecture: Architecture, recipe: SynthesisRecipe, photos: Photos
) -> None:
    for model in train_architecture(architecture, (0, 1, 2), photos, recipe):
        (alone,) = train_architecture(architecture, (model.seed,), photos, recipe)
        assert_same_model(model, alone, photos)


def test_a_seed_does_not_depend_on_its_company_after_both_closed_forms(photos: Photos) -> None:
    for architecture in MIXED:
        models = train_architecture(architecture, (0, 1, 2), photos, RECIPE)
        for model in models:
            (alone,) = train_architecture(architecture, (model.seed,), photos, RECIPE)
            assert_same_model(model, alone, photos)


def test_training_is_deterministic_and_seeds_differ(photos: Photos) -> None:
    first = train_architecture(MIXED[0], (0, 1), photos, RECIPE)
    second = train_architecture(MIXED[0], (0, 1), photos, RECIPE)
    for a, b in zip(first, second, strict=True):
        assert_same_state(a.state, b.state, rtol=0, atol=0)
        assert a.reconstruction_error == b.reconstruction_error
    assert any((first[0].state[n] != first[1].state[n]).any() for n in first[0].state)


def test_bfloat16_stays_near_full_precision(photos: Photos) -> None:
    recipe = replace(RECIPE, bfloat16=True)
    (rough,) = train_architecture(MIXED[0], (0,), photos, recipe)
    (exact,) = train_architecture(MIXED[0], (0,), photos, RECIPE)
    assert rough.reconstruction_error == pytest.approx(exact.reconstruction_error, rel=0.2)
    assert all(v.dtype != torch.bfloat16 for v in rough.state.values())


def test_the_error_is_that_of_the_model_that_is_returned(photos: Photos) -> None:
    (model,) = train_architecture(MIXED[0], (0,), photos, RECIPE)
    crops = photos.crops(32, RECIPE.side, np.random.default_rng(0))
    images = torch.from_numpy(crops).float()[:, None] / 255
    network = join_states(model.architecture, {0: model.state})
    assert model.reconstruction_error == pytest.approx(float(errors(network, images)), rel=1e-4)


def test_below_the_floor_nothing_is_learned(photos: Photos) -> None:
    recipe = replace(RECIPE, closed_form=False, steps=3, spread=1.0)

    def weights(**changes: float) -> dict[str, Tensor]:
        (model,) = train_architecture(
            Architecture(1, 1, "post", "nearest", "tanh", "none", 4),
            (0,),
            photos,
            replace(recipe, **changes),
        )
        return {n: v for n, v in model.state.items() if n.endswith(("weight", "bias"))}

    start = weights(steps=0)
    assert_same_state(weights(floor=1e9), start, rtol=0, atol=0)
    moved = weights(floor=0.0)
    assert any((moved[n] != start[n]).any() for n in start)


def test_descent_lowers_the_error(photos: Photos) -> None:
    shape = Architecture(1, 1, "post", "bilinear", "none", "none", 4)
    start, end = (
        train_architecture(
            shape, (0,), photos, replace(RECIPE, closed_form=False, steps=steps, batch=8)
        )[0].reconstruction_error
        for steps in (0, 80)
    )
    assert end < 0.8 * start


def test_the_hash_names_recipe_and_photographs(photos: Photos) -> None:
    kept, _ = photos.split(0.5)
    hashes = {
        RECIPE.hash(photos),
        RECIPE.hash(kept),
        replace(RECIPE, steps=5).hash(photos),
        replace(RECIPE, floor=0.1).hash(photos),
        replace(RECIPE, bfloat16=True).hash(photos),
    }
    assert len(hashes) == 5
    assert RECIPE.hash(photos) == replace(RECIPE).hash(photos)
