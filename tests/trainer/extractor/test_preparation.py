"""A run that takes from shards what they computed gives the extractor of a run without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.photographs import write_photographs
from torch import nn

from trainer.denoiser import DnCNN, Student
from trainer.extractor import (
    CompactRecipe,
    FeatureRecipe,
    Head,
    PaperRecipe,
    RenderRecipe,
    run_compact,
    share_compact,
    share_paper,
)
from trainer.extractor.preparation import DENOISER_FILE, RENDERS, SIGNALS, prepare
from trainer.shard import Shard
from trainer.synthesis import SynthesisRecipe, paper288, synthesize

pytestmark = pytest.mark.usefixtures("one_thread")

RENDERING = RenderRecipe(images=4, blocks=2, worst_error=100)
FEATURES = FeatureRecipe(variants=2, photographs=20)
COMPACT = CompactRecipe(
    heads=(Head(("coefficients",)), Head(("periods",))), embedding=4, sample=32, held_out=0.0
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos"), 8)


@pytest.fixture(scope="module")
def pool(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three architectures of two seeds."""
    out = tmp_path_factory.mktemp("pool")
    recipe = SynthesisRecipe(steps=0, solve_crops=1, side=32)
    synthesize(photos, out, tuple(paper288(4)[::96]), (0, 1), recipe)
    return out


def seeded(make: type[nn.Module], *sizes: int) -> nn.Module:
    torch.manual_seed(0)
    return make(*sizes)


def files(out: Path, folder: str) -> dict[str, tuple[bytes, int]]:
    """Content and time of every array of a folder."""
    return {
        path.relative_to(out).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (out / folder).rglob("*.npy")
    }


def contents(found: dict[str, tuple[bytes, int]]) -> dict[str, bytes]:
    return {name: content for name, (content, _) in found.items()}


@pytest.mark.slow
def test_a_run_after_its_shards_gives_the_extractor_of_one_run(
    photos: Path, pool: Path, tmp_path: Path
) -> None:
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    denoiser = seeded(Student, 4, 4)
    given = {"rendering": RENDERING, "features": FEATURES}
    run_compact([pool], photos, whole, COMPACT, denoiser, **given)
    for number in (1, 0):
        share_compact([pool], photos, shared, COMPACT, denoiser, Shard(number, 2), **given)
    before = files(shared, SIGNALS)
    assert len(before) == 6 + 1  # models, and a file of crops
    assert not (shared / "network.safetensors").exists()
    run_compact([pool], photos, shared, COMPACT, denoiser, **given)
    assert files(shared, SIGNALS) == before  # taken from there, not computed again
    assert contents(before) == contents(files(whole, SIGNALS))
    for name in ("network.safetensors", "run.json", DENOISER_FILE):
        assert (shared / name).read_bytes() == (whole / name).read_bytes(), name


def test_shards_of_the_papers_renders_are_what_its_run_would_render(
    photos: Path, pool: Path, tmp_path: Path
) -> None:
    denoiser, recipe = seeded(DnCNN, 4, 3), PaperRecipe()
    for number in (0, 2, 1):
        share_paper(
            [pool], photos, tmp_path, recipe, denoiser, Shard(number, 3), rendering=RENDERING
        )
    renderer, _ = prepare([pool], photos, tmp_path, denoiser, RENDERING, recipe.held_out)
    assert len(files(tmp_path, RENDERS)) == len(renderer.models) == 6
    for index, model in enumerate(renderer.models):
        rendered = np.load(tmp_path / RENDERS / f"{model}.npy")
        np.testing.assert_array_equal(rendered, renderer.render(index))
