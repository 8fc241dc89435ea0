"""Signals of renders: the same from run to run, and those that torch computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.photographs import write_photographs

from trainer.denoiser import Student
from trainer.extractor import FeatureRecipe, RenderRecipe, compute_features, make_renderer
from trainer.extractor.features import PHOTOGRAPHS, compute_feature_files
from trainer.extractor.rendering import Renderer
from trainer.images.photos import load_photos
from trainer.shard import Shard
from trainer.signal import CompactSignal
from trainer.synthesis import SynthesisRecipe, paper288, synthesize

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGES, CROPS = 5, 6
RECIPE = FeatureRecipe(variants=4, photographs=CROPS)


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    root = tmp_path_factory.mktemp("render")
    photos = write_photographs(root / "photos", 8)
    synthesize(
        photos,
        root / "pool",
        tuple(paper288(4)[::96]),
        (0, 1),
        SynthesisRecipe(steps=0, solve_crops=1, side=32),
    )
    recipe = RenderRecipe(images=IMAGES, blocks=3, worst_error=100)
    return make_renderer([root / "pool"], load_photos(photos), recipe)


@pytest.fixture(scope="module")
def signal() -> CompactSignal:
    torch.manual_seed(0)
    return CompactSignal(Student(4, 4)).eval().requires_grad_(False)


def shards(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.npy")}


def test_runs_with_any_number_of_workers_make_the_same_shards(
    renderer: Renderer, signal: CompactSignal, tmp_path: Path
) -> None:
    first, second = (
        compute_features(renderer, signal, "signal", tmp_path / str(n), RECIPE, workers=n)
        for n in (1, 2)
    )
    kept = shards(tmp_path / "1")
    assert len(kept) == len(renderer.models) + 1
    assert len([name for name in kept if name.startswith(PHOTOGRAPHS)]) == 1
    assert kept == shards(tmp_path / "2")
    np.testing.assert_array_equal(first.values, second.values)
    assert first.values.dtype == np.float16
    assert first.values.shape == (len(renderer.models), IMAGES, 4, *signal.shape)
    assert first.photographs is not None
    assert first.photographs.shape == (CROPS, 3, *signal.shape)


def test_shards_of_the_signals_are_what_a_whole_run_computes(
    renderer: Renderer, signal: CompactSignal, tmp_path: Path
) -> None:
    for number in (1, 0):
        compute_feature_files(
            renderer, signal, "signal", tmp_path / "shards", RECIPE, Shard(number, 2)
        )
    compute_features(renderer, signal, "signal", tmp_path / "whole", RECIPE)
    assert shards(tmp_path / "shards") == shards(tmp_path / "whole")


def test_signals_are_those_that_torch_computes(
    renderer: Renderer, signal: CompactSignal, tmp_path: Path
) -> None:
    recipe = FeatureRecipe(variants=1, photographs=0)
    found = compute_features(renderer, signal, "signal", tmp_path, recipe)
    assert found.photographs is None
    for index, values in enumerate(found.values):
        expected = signal(torch.from_numpy(renderer.render(index))).numpy()
        # Half precision keeps 11 bits.
        np.testing.assert_allclose(values[:, 0], expected, rtol=1e-3, atol=2e-3)
