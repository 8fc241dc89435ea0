"""Training an extractor: heads, resuming, held-out models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from trainer.extractor import (
    ExtractorRecipe,
    FeatureRecipe,
    Features,
    Head,
    RenderRecipe,
    Sampler,
    held_out_models,
    run_extractor,
    train_extractor,
)
from trainer.extractor.run import read_logs
from trainer.extractor.source import FeatureSource
from trainer.extractor.validation import held_out_auc
from trainer.synthesis import named_architectures, paper288

pytestmark = pytest.mark.usefixtures("one_thread")


TOY = ExtractorRecipe(
    heads=(Head(("a",)), Head(("a", "b"), (0,))),
    widths=(4,),
    embedding=8,
    steps=60,
    learning_rate=3e-3,
    contrastive=0.5,
    held_out=0.2,
    checkpoint_seconds=0.0,
    sampler=Sampler(models=8, images=3),
)


PARTS = {"a": (1, 4, 5), "b": (2, 4, 5)}


def toy_source() -> FeatureSource:
    """Features of 36 pretend models: each model's own pattern, the image's content, noise."""
    rng = np.random.default_rng(0)
    names = tuple(f"pool/{a.id}/{seed}" for a in paper288(8)[:18] for seed in range(2))
    pattern = rng.standard_normal((len(names), 1, 1, 3, 4, 5))
    content = rng.standard_normal((1, 5, 1, 3, 4, 5))
    noise = rng.standard_normal((len(names), 5, 2, 3, 4, 5))
    values = (3 + pattern + content + 0.3 * noise).astype(np.float16)
    values = values.reshape(*values.shape[:3], 60)
    return FeatureSource(Features(values, names, np.arange(len(names)) % 4))


def test_training_learns_to_tell_held_out_models_apart(tmp_path: Path) -> None:
    source = toy_source()
    held = np.flatnonzero(held_out_models(source.models, TOY.held_out))
    assert 2 <= len(held) < len(source.models) / 2
    train_extractor(source, PARTS, tmp_path / "a", replace(TOY, steps=1))
    trained = train_extractor(source, PARTS, tmp_path / "b", replace(TOY, steps=200))
    assert held_out_auc(trained, source, held) > 0.9
    first = read_logs(tmp_path / "a", TOY)
    logs = read_logs(tmp_path / "b", TOY)
    assert list(logs) == ["0-a", "1-a-b"]
    for name, rows in logs.items():
        assert [int(row["step"]) for row in rows] == [200]
        assert float(rows[0]["loss"]) < 0.7 * float(first[name][0]["loss"])
        assert float(rows[0]["held_out_auc"]) > 0.8
        parts = [float(rows[0][name]) for name in ("classification", "triplet", "contrastive")]
        assert float(rows[0]["loss"]) == pytest.approx(sum(parts), rel=1e-4)


def test_heads_are_trained_each_by_itself(tmp_path: Path) -> None:
    source = toy_source()
    both = replace(TOY, steps=20)
    network = train_extractor(source, PARTS, tmp_path / "both", both)
    one = train_extractor(source, PARTS, tmp_path / "one", replace(both, heads=both.heads[:1]))
    x = torch.randn(5, 60)
    torch.testing.assert_close(network(x)[:, :8], one(x))


def test_a_linear_head_is_fitted_to_its_variants_and_takes_no_steps(tmp_path: Path) -> None:
    source = toy_source()
    head = Head(("a", "b"), (0,), linear=True)
    recipe = replace(TOY, heads=(TOY.heads[0], head), steps=2)
    values = source.values.copy()
    values[:, :, 1] = np.random.default_rng(0).standard_normal(values[:, :, 1].shape)
    spoilt = FeatureSource(Features(values, source.models, source.block))
    network = train_extractor(spoilt, PARTS, tmp_path, recipe)
    held = np.flatnonzero(held_out_models(source.models, recipe.held_out))
    assert held_out_auc(network.alone(1), spoilt, held) > 0.9
    folder = tmp_path / "heads" / "1-a-b"
    assert list(read_logs(tmp_path, recipe)) == ["0-a"]
    fitted = load_file(folder / "network.safetensors")
    (folder / "network.safetensors").unlink()
    train_extractor(spoilt, PARTS, tmp_path, recipe)
    again = load_file(folder / "network.safetensors")
    assert all(torch.equal(again[name], number) for name, number in fitted.items())
    turned = replace(recipe, heads=(replace(head, parts=("b", "a")),))
    other = train_extractor(spoilt, PARTS, tmp_path / "turned", turned)
    assert held_out_auc(other, spoilt, held) > 0.9  # whichever part is named first


class Killed(RuntimeError):
    pass


class Dying(FeatureSource):
    """Stops the run at its `left`-th batch, as an interrupt between two checkpoints does."""

    left = 25  # within the first head

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> torch.Tensor:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return super().fetch(model, image, variant)


def test_a_resumed_training_equals_an_unbroken_one(tmp_path: Path) -> None:
    source = toy_source()
    unbroken = train_extractor(source, PARTS, tmp_path / "unbroken", TOY)
    dying = Dying(Features(source.values, source.models, source.block))
    with pytest.raises(Killed):
        train_extractor(dying, PARTS, tmp_path / "resumed", TOY)
    first = tmp_path / "resumed" / "heads" / "0-a"
    state = torch.load(first / "checkpoint.pt", weights_only=True)
    assert 0 < state["step"] < TOY.steps
    assert not (tmp_path / "resumed" / "network.safetensors").exists()
    train_extractor(source, PARTS, tmp_path / "resumed", TOY)
    resumed = load_file(tmp_path / "resumed" / "network.safetensors")
    assert resumed.keys() == unbroken.state_dict().keys()
    for name, value in unbroken.state_dict().items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)
    assert not list((tmp_path / "resumed").glob("*.tmp"))
    written = json.loads((tmp_path / "resumed" / "recipe.json").read_text())
    assert written["sampler"]["models"] == 8


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    source = toy_source()
    short = replace(TOY, steps=2)
    train_extractor(source, PARTS, tmp_path, short)
    before = (tmp_path / "network.safetensors").read_bytes()
    for other in (replace(short, seed=1), replace(short, sampler=Sampler(models=7, images=3))):
        with pytest.raises(ValueError, match="another recipe"):
            train_extractor(source, PARTS, tmp_path, other)
    assert (tmp_path / "network.safetensors").read_bytes() == before


def test_the_recipe_hash_names_the_recipe_and_its_inputs() -> None:
    assert TOY.hash("a", "b") == TOY.hash("a", "b")
    others = [TOY.hash("a"), TOY.hash("a", "c"), replace(TOY, seed=1).hash("a", "b")]
    assert len({TOY.hash("a", "b"), *others}) == 4


def test_training_whitens_each_head_of_the_network_it_saves(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 4, 2, 120)).astype(np.float16)
    names = tuple(f"pool/a{i}/0" for i in range(12))
    source = FeatureSource(Features(values, names, np.zeros(12, int)))
    recipe = ExtractorRecipe(heads=(Head(("a",)), Head(("b",))), widths=(4,), embedding=6, steps=3)
    parts = {"a": (1, 8, 5), "b": (2, 8, 5)}
    recipe = replace(recipe, sampler=Sampler(models=4, images=2, averaged=1))
    plain = train_extractor(source, parts, tmp_path / "plain", replace(recipe, whitening=None))
    whitened = train_extractor(source, parts, tmp_path / "whitened", recipe)
    identity = torch.eye(6)
    assert all(torch.equal(part.matrix, identity) for part in plain.whitenings)
    saved = load_file(tmp_path / "whitened" / "network.safetensors")
    for i, (part, head) in enumerate(zip(whitened.whitenings, (plain.heads), strict=True)):
        assert not torch.equal(part.matrix, identity)
        torch.testing.assert_close(saved[f"whitenings.{i}.matrix"], part.matrix)
        torch.testing.assert_close(whitened.heads[i].last[1].weight, head.last[1].weight)


def test_a_linear_head_of_a_training_learns_contents_from_its_photographs(tmp_path: Path) -> None:
    rng, source = np.random.default_rng(0), toy_source()
    recipe = replace(TOY, heads=(Head(("a", "b"), (0, 1), linear=True),), shrinkage=0.2)
    numbers = source.values.shape[3:]
    places = rng.normal(size=(400, 1, 2)).astype(np.float32)
    flat, bends = rng.normal(size=(2, 2, *numbers)).astype(np.float32)
    crops = np.tensordot(places, 3 * flat, 1) + np.tensordot(places**2, bends, 1)
    crops = np.repeat(crops, 2, axis=1).astype(np.float16)

    def spread(name: str, mean: float | None, photographs: np.ndarray | None) -> float:
        found = FeatureSource(Features(source.values, source.models, source.block, photographs))
        wanted = replace(recipe, mean=mean, contents=0.0)
        network = train_extractor(found, PARTS, tmp_path / name, wanted)
        saved = load_file(tmp_path / name / "network.safetensors")
        assert bool(saved["heads.0.contents.weight"].any()) == (
            mean is not None and photographs is not None
        )
        signals = network.split(torch.from_numpy(crops[300:, 0].astype(np.float32)))
        with torch.no_grad():
            return float(network.heads[0](signals).var(0).sum())

    plain = spread("plain", None, crops[:300])
    assert spread("none", 0.5, None) == pytest.approx(plain)
    assert spread("subtracted", 0.5, crops[:300]) < 0.2 * plain


# held-out models


def test_held_out_architectures_are_never_trained_on() -> None:
    names = [f"p/{a.id}/{seed}" for a in paper288() for seed in range(3)]
    names += [f"q/{a.id}/0" for a in named_architectures("extended:300")]
    held = held_out_models(tuple(names), 0.1)
    architectures = [name.split("/")[1] for name in names]
    kept = {a for a, h in zip(architectures, held, strict=True) if not h}
    out = {a for a, h in zip(architectures, held, strict=True) if h}
    assert kept.isdisjoint(out)  # all seeds of an architecture go the same way
    assert 0.06 < len(out) / len(kept | out) < 0.15


def test_held_out_architectures_are_the_same_in_every_pool() -> None:
    ids = [a.id for a in paper288()]
    one = held_out_models(tuple(f"pool/{i}/0" for i in ids), 0.1)
    other = held_out_models(tuple(f"other/{i}/7" for i in ids[::-1]), 0.1)[::-1]
    np.testing.assert_array_equal(one, other)
    more = held_out_models(tuple(f"pool/{i}/0" for i in ids), 0.3)
    assert (one <= more).all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there, and would be used")
def test_a_device_that_is_not_there_is_refused_and_never_replaced(tmp_path: Path) -> None:
    with pytest.raises((RuntimeError, AssertionError), match=r"CUDA|cuda"):
        train_extractor(toy_source(), PARTS, tmp_path / "toy", TOY, device="cuda")
    with pytest.raises(ValueError, match="sees no GPU"):
        run_extractor(
            *([tmp_path / "pool"], tmp_path, tmp_path / "run", TOY, torch.nn.Identity()),
            rendering=RenderRecipe(),
            features=FeatureRecipe(),
            device="cuda",
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu_agrees_with_the_cpu(tmp_path: Path) -> None:
    recipe = replace(TOY, steps=20)
    networks = [
        train_extractor(toy_source(), PARTS, tmp_path / device, recipe, device=device)
        for device in ("cpu", "cuda")
    ]
    signals = toy_source().fetch(np.arange(30), np.zeros((30, 1), int), np.zeros(30, int))
    one, other = (network(signals) for network in networks)
    assert torch.allclose(one, other, atol=1e-2)
