"""Heads of convolutions: training by steps, resuming, whitening."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.toys import PARTS, toy_source

from trainer.experiments.ablation import ConvolutionRecipe, train_convolutions
from trainer.experiments.ablation.convolutions import DESCENT, ConvolutionHead
from trainer.extractor import Features, Head, Sampler, held_out_models
from trainer.extractor.compact.network import CompactNet
from trainer.extractor.paper.log import read_logs
from trainer.extractor.source import FeatureSource
from trainer.extractor.validation import held_out_auc
from trainer.synthesis import ModelId

pytestmark = pytest.mark.usefixtures("one_thread")

BATCHES = replace(DESCENT.sampler, models=8, images=3)
TOY = ConvolutionRecipe(
    heads=(Head(("a",)), Head(("a", "b"), (0,))),
    widths=(4,),
    embedding=8,
    descent=replace(DESCENT, steps=60, contrastive=0.5, sampler=BATCHES),
    held_out=0.2,
)


def steps(recipe: ConvolutionRecipe, count: int) -> ConvolutionRecipe:
    return replace(recipe, descent=replace(recipe.descent, steps=count))


def test_training_learns_to_tell_held_out_models_apart(tmp_path: Path) -> None:
    source = toy_source()
    held = np.flatnonzero(held_out_models(source.models, TOY.held_out))
    assert 2 <= len(held) < len(source.models) / 2
    train_convolutions(source, PARTS, tmp_path / "a", steps(TOY, 1))
    trained = train_convolutions(source, PARTS, tmp_path / "b", steps(TOY, 200))
    assert held_out_auc(trained, source, held) > 0.9
    first = read_logs(tmp_path / "a")
    logs = read_logs(tmp_path / "b")
    assert list(logs) == ["0-a", "1-a-b"]
    for name, rows in logs.items():
        assert [int(row["step"]) for row in rows] == [200]
        assert float(rows[0]["loss"]) < 0.7 * float(first[name][0]["loss"])
        assert float(rows[0]["held_out_auc"]) > 0.8
        parts = [float(rows[0][name]) for name in ("classification", "triplet", "contrastive")]
        assert float(rows[0]["loss"]) == pytest.approx(sum(parts), rel=1e-4)


def test_heads_are_trained_each_by_itself(tmp_path: Path) -> None:
    source = toy_source()
    both = steps(TOY, 20)
    network = train_convolutions(source, PARTS, tmp_path / "both", both)
    one = train_convolutions(source, PARTS, tmp_path / "one", replace(both, heads=both.heads[:1]))
    x = torch.randn(5, 60)
    torch.testing.assert_close(network(x)[:, :8], one(x))


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
    unbroken = train_convolutions(source, PARTS, tmp_path / "unbroken", TOY)
    dying = Dying(Features(source.values, source.models, source.block))
    with pytest.raises(Killed):
        train_convolutions(dying, PARTS, tmp_path / "resumed", TOY, checkpoint_seconds=0.0)
    first = tmp_path / "resumed" / "heads" / "0-a"
    state = torch.load(first / "checkpoint.pt", weights_only=True)
    assert 0 < state["step"] < TOY.descent.steps
    assert not (tmp_path / "resumed" / "network.safetensors").exists()
    train_convolutions(source, PARTS, tmp_path / "resumed", TOY)
    resumed = load_file(tmp_path / "resumed" / "network.safetensors")
    assert resumed.keys() == unbroken.state_dict().keys()
    for name, value in unbroken.state_dict().items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)
    assert not list((tmp_path / "resumed").rglob("*.tmp"))
    written = json.loads((tmp_path / "resumed" / "recipe.json").read_text())
    assert written["descent"]["sampler"]["models"] == 8


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    source = toy_source()
    short = steps(TOY, 2)
    train_convolutions(source, PARTS, tmp_path, short)
    before = (tmp_path / "network.safetensors").read_bytes()
    fewer = replace(short.descent, sampler=Sampler(models=7, images=3))
    for other in (replace(short, seed=1), replace(short, descent=fewer)):
        with pytest.raises(ValueError, match="another recipe"):
            train_convolutions(source, PARTS, tmp_path, other)
    assert (tmp_path / "network.safetensors").read_bytes() == before


def test_training_whitens_each_head_of_the_network_it_saves(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 4, 2, 120)).astype(np.float16)
    names = tuple(ModelId("pool", f"a{i}", 0) for i in range(12))
    source = FeatureSource(Features(values, names, np.zeros(12, int)))
    recipe = replace(TOY, heads=(Head(("a",)), Head(("b",))), embedding=6, held_out=0.1)
    parts = {"a": (1, 8, 5), "b": (2, 8, 5)}
    few = replace(DESCENT, steps=3, sampler=Sampler(models=4, images=2))
    recipe = replace(recipe, descent=few)
    plain = train_convolutions(source, parts, tmp_path / "plain", replace(recipe, whitening=None))
    whitened = train_convolutions(source, parts, tmp_path / "whitened", recipe)
    identity = torch.eye(6)
    assert all(torch.equal(head.whitening.matrix, identity) for head in plain.heads)
    saved = load_file(tmp_path / "whitened" / "network.safetensors")
    for i, (head, other) in enumerate(zip(whitened.heads, plain.heads, strict=True)):
        assert not torch.equal(head.whitening.matrix, identity)
        torch.testing.assert_close(saved[f"heads.{i}.whitening.matrix"], head.whitening.matrix)
        torch.testing.assert_close(head.last[1].weight, other.last[1].weight)


def test_a_head_sees_its_own_parts_and_weighs_as_much_as_another() -> None:
    torch.manual_seed(0)
    parts = {"a": (1, 9, 7), "b": (2, 9, 7), "c": (1, 4, 4)}
    heads = (Head(("a",)), Head(("b", "c")))
    modules = [ConvolutionHead(head.seen(parts), (4, 6), 5, 0.0) for head in heads]
    network = CompactNet(parts, heads, modules).eval()
    x = torch.randn(8, 63 + 126 + 16)
    z = network(x)
    assert z.shape == (8, network.embedding) == (8, 10)
    torch.testing.assert_close(z[:, :5].norm(dim=1), torch.ones(8))
    torch.testing.assert_close(z[:, 5:].norm(dim=1), torch.ones(8))
    other = x.clone()
    other[:, :63] += torch.randn(8, 63)
    changed = (network(other) != z).any(0)
    assert changed[:5].any()
    assert not changed[5:].any()
    for start, stop in ((63, 189), (189, 205)):  # parts of different size meet in one head
        other = x.clone()
        other[:, start:stop] += torch.randn(8, stop - start)
        changed = (network(other) != z).any(0)
        assert not changed[:5].any()
        assert changed[5:].any()
