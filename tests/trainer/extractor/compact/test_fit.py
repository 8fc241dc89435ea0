"""Fitting the compact network: its heads, resuming, what photographs do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.toys import PARTS, toy_source

from trainer.extractor import (
    CompactRecipe,
    ContentsRecipe,
    Features,
    Head,
    fit_compact,
    held_out_models,
)
from trainer.extractor.source import FeatureSource
from trainer.extractor.validation import held_out_auc

pytestmark = pytest.mark.usefixtures("one_thread")

TOY = CompactRecipe(heads=(Head(("a",)), Head(("a", "b"), (0,))), embedding=8, held_out=0.2)


def test_a_head_is_fitted_to_its_variants(tmp_path: Path) -> None:
    source = toy_source()
    values = source.values.copy()
    values[:, :, 1] = np.random.default_rng(0).standard_normal(values[:, :, 1].shape)
    spoilt = FeatureSource(Features(values, source.models, source.block))
    told: list[tuple[str, int, int]] = []
    network = fit_compact(
        spoilt, PARTS, tmp_path, TOY, progress=lambda *stage, **_: told.append(stage)
    )
    assert told == [("heads", 1, 2), ("heads", 2, 2)]
    held = np.flatnonzero(held_out_models(source.models, TOY.held_out))
    assert 2 <= len(held) < len(source.models) / 2
    assert held_out_auc(network.alone(1), spoilt, held) > 0.9
    turned = replace(TOY, heads=(TOY.heads[0], replace(TOY.heads[1], parts=("b", "a"))))
    other = fit_compact(spoilt, PARTS, tmp_path / "turned", turned)
    assert held_out_auc(other.alone(1), spoilt, held) > 0.9  # whichever part is named first


def test_a_finished_head_is_not_fitted_again(tmp_path: Path) -> None:
    first = fit_compact(toy_source(), PARTS, tmp_path, TOY)
    folders = sorted((tmp_path / "heads").iterdir())
    assert [folder.name for folder in folders] == ["0-a", "1-a-b"]
    fitted = {folder: load_file(folder / "network.safetensors") for folder in folders}
    times = {f: (f / "network.safetensors").stat().st_mtime_ns for f in folders}
    (folders[1] / "network.safetensors").unlink()  # as if killed before
    again = fit_compact(toy_source(), PARTS, tmp_path, TOY)
    assert (folders[0] / "network.safetensors").stat().st_mtime_ns == times[folders[0]]
    found = load_file(folders[1] / "network.safetensors")
    assert all(torch.equal(found[name], number) for name, number in fitted[folders[1]].items())
    for name, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    with pytest.raises(ValueError, match="another recipe"):
        fit_compact(toy_source(), PARTS, tmp_path, replace(TOY, shrinkage=0.5))


def test_heads_are_fitted_each_by_itself(tmp_path: Path) -> None:
    both = fit_compact(toy_source(), PARTS, tmp_path / "both", TOY)
    alone = replace(TOY, heads=TOY.heads[:1])
    one = fit_compact(toy_source(), PARTS, tmp_path / "one", alone)
    x = torch.randn(5, 60, generator=torch.manual_seed(0))
    torch.testing.assert_close(both(x)[:, :8], one(x))
    torch.testing.assert_close(both(x)[:, 8:].norm(dim=1), torch.ones(5))


def test_a_head_learns_contents_from_photographs(tmp_path: Path) -> None:
    rng, source = np.random.default_rng(0), toy_source()
    numbers = source.values.shape[3:]
    places = rng.normal(size=(400, 1, 2)).astype(np.float32)
    flat, bends = rng.normal(size=(2, 2, *numbers)).astype(np.float32)
    crops = np.tensordot(places, 3 * flat, 1) + np.tensordot(places**2, bends, 1)
    crops = np.repeat(crops, 2, axis=1).astype(np.float16)
    recipe = replace(TOY, heads=(Head(("a", "b"), (0, 1)),), shrinkage=0.2, contents_weight=0.0)

    def spread(
        name: str, contents: ContentsRecipe | None, photographs: np.ndarray | None
    ) -> float:
        found = FeatureSource(Features(source.values, source.models, source.block, photographs))
        wanted = replace(recipe, contents=contents)
        network = fit_compact(found, PARTS, tmp_path / name, wanted)
        saved = load_file(tmp_path / name / "network.safetensors")
        if contents is None:
            assert "heads.0.contents.weight" not in saved
        else:
            assert bool(saved["heads.0.contents.weight"].any()) == (photographs is not None)
        signals = network.split(torch.from_numpy(crops[300:, 0].astype(np.float32)))
        with torch.no_grad():
            return float(network.heads[0](signals).var(0).sum())

    plain = spread("plain", None, crops[:300])
    assert spread("none", ContentsRecipe(), None) == pytest.approx(plain)
    assert spread("subtracted", ContentsRecipe(), crops[:300]) < 0.2 * plain


def test_a_recipe_comes_back_from_json() -> None:
    import json
    from dataclasses import asdict

    for recipe in (TOY, CompactRecipe(), replace(TOY, contents=None)):
        assert CompactRecipe.from_dict(json.loads(json.dumps(asdict(recipe)))) == recipe
