"""Training an extractor: losses, batches, caches and resuming, held-out models, networks."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import photograph
from PIL import Image
from safetensors.torch import load_file

from trainer.extractor import (
    PAPER,
    CompactNet,
    CosineClassifier,
    ExtractorRecipe,
    Features,
    Head,
    ResNet50,
    Sampler,
    batch_hard_triplet,
    held_out_models,
    operations,
    supervised_contrastive,
    train_extractor,
)
from trainer.extractor.features import process
from trainer.extractor.run import read_logs
from trainer.extractor.shards import compute_sharded
from trainer.extractor.source import FeatureSource
from trainer.extractor.training import held_out_auc
from trainer.extractor.whitening import Whitening
from trainer.synthesis import named_architectures, paper288


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# losses


def plain_triplet(z: np.ndarray, labels: list[int], margin: float) -> float:
    """Batch-hard triplet loss by loops; anchors without positive or negative are left out."""
    losses = []
    for a, label in enumerate(labels):
        distance = [float(np.linalg.norm(z[a] - z[i])) for i in range(len(z))]
        positives = [distance[i] for i, b in enumerate(labels) if b == label and i != a]
        negatives = [distance[i] for i, b in enumerate(labels) if b != label]
        if positives and negatives:
            losses.append(max(0.0, max(positives) - min(negatives) + margin))
    return sum(losses) / len(losses) if losses else 0.0


def plain_contrastive(z: np.ndarray, labels: list[int], temperature: float) -> float:
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    losses = []
    for a, label in enumerate(labels):
        others = [i for i in range(len(z)) if i != a]
        total = sum(math.exp(float(z[a] @ z[i]) / temperature) for i in others)
        positives = [i for i in others if labels[i] == label]
        if positives:
            terms = [math.exp(float(z[a] @ z[i]) / temperature) / total for i in positives]
            losses.append(-sum(map(math.log, terms)) / len(terms))
    return sum(losses) / len(losses) if losses else 0.0


label_lists = st.lists(st.integers(0, 3), min_size=1, max_size=9)


@given(label_lists, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 2.0]))
@settings(deadline=None, max_examples=50)
def test_the_triplet_loss_equals_plain_loops(labels: list[int], seed: int, margin: float) -> None:
    z = np.random.default_rng(seed).standard_normal((len(labels), 5))
    found = batch_hard_triplet(torch.from_numpy(z), torch.tensor(labels), margin)
    assert float(found) == pytest.approx(plain_triplet(z, labels, margin), abs=1e-9)


@given(label_lists, st.integers(0, 2**32 - 1), st.sampled_from([0.07, 0.5]))
@settings(deadline=None, max_examples=50)
def test_the_contrastive_loss_equals_plain_loops(
    labels: list[int], seed: int, temperature: float
) -> None:
    z = np.random.default_rng(seed).standard_normal((len(labels), 5))
    found = supervised_contrastive(torch.from_numpy(z), torch.tensor(labels), temperature)
    assert float(found) == pytest.approx(plain_contrastive(z, labels, temperature), abs=1e-9)


@pytest.mark.parametrize("loss", [batch_hard_triplet, supervised_contrastive])
@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 0, 1], [0, 0, 0], [0]])
def test_anchors_without_positive_or_negative_leave_finite_gradients(
    loss: object, labels: list[int]
) -> None:
    z = torch.randn(len(labels), 4, requires_grad=True, generator=torch.manual_seed(0))
    value = loss(z, torch.tensor(labels))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(z.grad).all()
    alone = len(set(labels)) == len(labels)
    if alone or (loss is batch_hard_triplet and len(set(labels)) == 1):
        assert value.item() == 0
        assert not z.grad.any()
    else:
        assert z.grad.any()


def test_the_triplet_loss_of_a_known_batch() -> None:
    z = torch.tensor([[0.0], [1.0], [3.0], [3.5]])
    labels = torch.tensor([0, 0, 1, 1])
    # Anchor 0: 1 - 3, anchor 1: 1 - 2, anchor 2: 0.5 - 2, anchor 3: 0.5 - 2.5.
    assert float(batch_hard_triplet(z, labels, 1.5)) == pytest.approx((0 + 0.5 + 0 + 0) / 4)


@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_the_classifier_is_a_softmax_over_cosines(margin: float) -> None:
    torch.manual_seed(0)
    classifier = CosineClassifier(6, 4, scale=10.0, margin=margin)
    z, labels = torch.randn(5, 6), torch.tensor([3, 0, 1, 1, 2])
    weight = classifier.weight.detach().double().numpy()
    expected = []
    for row, label in zip(z.double().numpy(), labels.tolist(), strict=True):
        cosines = [row @ w / np.linalg.norm(row) / np.linalg.norm(w) for w in weight]
        cosines[label] -= margin
        exponents = [math.exp(10.0 * cosine) for cosine in cosines]
        expected.append(-math.log(exponents[label] / sum(exponents)))
    assert classifier(z, labels).item() == pytest.approx(np.mean(expected), rel=1e-5)
    assert classifier(7 * z, labels).item() == pytest.approx(np.mean(expected), rel=1e-5)


# batches


@given(
    st.integers(2, 30),
    st.integers(1, 6),
    st.integers(2, 4),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 1000),
)
@settings(deadline=None, max_examples=80)
def test_a_batch_is_models_times_images_with_positives_for_all(
    models: int, blocks: int, images: int, variants: int, confusable: float, seed: int
) -> None:
    block = np.arange(models) % blocks
    sampler = Sampler(models=8, images=images, confusable=confusable)
    rng = np.random.default_rng(seed)
    model, image, variant = sampler.draw(block, images + 2, variants, rng)
    assert model.shape == variant.shape
    assert image.shape in ((len(model), 1), (len(model), min(3, (images + 2) // images)))
    counts = Counter(model.tolist())
    assert set(counts.values()) == {images}  # K each, so every anchor has a positive
    available = models if confusable == 0 else min(Counter(block.tolist()).values())
    assert min(8, available) <= len(counts) <= min(8, models)
    pairs = {(m, i) for m, row in zip(model, image, strict=True) for i in row}
    assert len(pairs) == image.size  # no image against itself
    assert image.min() >= 0
    assert image.max() < images + 2
    assert variant.min() >= 0
    assert variant.max() < variants
    if confusable == 1:
        assert len(set(block[model])) == 1


def test_a_block_batch_comes_from_one_block_and_may_share_its_contents() -> None:
    block = np.arange(40) % 4
    shared = Sampler(models=6, images=3, confusable=1.0, shared_contents=1.0)
    apart = replace(shared, shared_contents=0.0)
    seen = set()
    for seed in range(30):
        model, image, _ = shared.draw(block, 10, 1, np.random.default_rng(seed))
        assert len(set(block[model])) == 1
        seen.add(int(block[model[0]]))
        assert (image.reshape(6, -1) == image[:3].ravel()).all()
        model, image, _ = apart.draw(block, 10, 1, np.random.default_rng(seed))
        assert len(set(block[model])) == 1
        assert (image.reshape(6, -1) != image[:3].ravel()).any()
    assert seen == {0, 1, 2, 3}


def test_the_shares_of_batches_and_variants_are_those_asked_for() -> None:
    block = np.arange(60) % 3
    sampler = Sampler(models=6, images=3, confusable=0.25, processed=0.4)
    rng = np.random.default_rng(0)
    draws = [sampler.draw(block, 10, 3, rng) for _ in range(2000)]
    one_block = np.mean([len(set(block[model])) == 1 for model, _, _ in draws])
    assert one_block == pytest.approx(0.25 + 0.75 * 3 * (20 / 60) ** 6, abs=0.04)
    variants = np.concatenate([variant for _, _, variant in draws])
    assert np.mean(variants > 0) == pytest.approx(0.4, abs=0.02)
    assert np.mean(variants == 1) == pytest.approx(0.2, abs=0.02)
    averaged = [image.shape[1] for _, image, _ in draws]
    assert set(averaged) == {1, 3}
    assert np.mean(np.array(averaged) == 3) == pytest.approx(0.5, abs=0.04)
    models = np.bincount(np.concatenate([model for model, _, _ in draws]), minlength=60)
    assert models.min() > 0.7 * models.mean()


# shards

NAMES = tuple(f"pool/architecture{i % 7}/{i}" for i in range(50))


def row(index: int) -> np.ndarray:
    return np.random.default_rng(index).standard_normal((2, 3)).astype(np.float16)


ROWS = np.stack([row(i) for i in range(len(NAMES))])


def test_shards_are_the_results_in_order_and_are_computed_once(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = compute_sharded(
        tmp_path, {"plan": 1}, NAMES, row, progress=lambda *now: seen.append(now)
    )
    np.testing.assert_array_equal(found, ROWS)
    assert found.dtype == np.float16
    assert seen == [(20, 50), (40, 50), (50, 50)]
    calls: list[int] = []
    again = compute_sharded(tmp_path, {"plan": 1}, NAMES, lambda i: calls.append(i) or row(i))
    np.testing.assert_array_equal(again, ROWS)
    assert calls == []


def test_a_model_that_was_added_is_computed_and_the_others_are_not(tmp_path: Path) -> None:
    compute_sharded(tmp_path, {"plan": 1}, NAMES[::2], lambda i: row(2 * i))
    calls: list[int] = []
    found = compute_sharded(tmp_path, {"plan": 1}, NAMES, lambda i: calls.append(i) or row(i))
    np.testing.assert_array_equal(found, ROWS)
    assert calls == list(range(1, 50, 2))


def test_shards_refuse_another_plan(tmp_path: Path) -> None:
    compute_sharded(tmp_path, {"photos": "a"}, NAMES[:2], row)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="another recipe; give another --out"):
        compute_sharded(tmp_path, {"photos": "b"}, NAMES[:2], row)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    with pytest.raises(ValueError, match="no model"):
        compute_sharded(tmp_path / "empty", {}, (), row)


def test_shards_resume_after_a_kill_with_the_same_result(tmp_path: Path) -> None:
    out = tmp_path / "killed"
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from test_extractor_training import NAMES, compute_sharded, row

        compute_sharded(
            Path(sys.argv[1]), {"plan": 1}, NAMES, lambda i: time.sleep(0.02) or row(i)
        )
        """
    )
    command = [sys.executable, "-c", script, str(out), str(Path(__file__).parent)]
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        while len(list(out.rglob("*.npy"))) < 3:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    done = {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")}
    assert 3 <= len(done) < len(NAMES)
    np.testing.assert_array_equal(compute_sharded(out, {"plan": 1}, NAMES, row), ROWS)
    assert {path: path.stat().st_mtime_ns for path in done} == done


# training

TOY = ExtractorRecipe(
    heads=(Head(("a",)), Head(("a", "b"), (0,), gated=True)),
    gate="a",
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
    assert list(logs) == ["0-a", "1-a-b-gated"]
    for name, rows in logs.items():
        assert [int(row["step"]) for row in rows] == [200]
        assert float(rows[0]["loss"]) < 0.7 * float(first[name][0]["loss"])
        assert float(rows[0]["held_out_auc"]) > 0.8
        parts = [float(rows[0][name]) for name in ("classification", "triplet", "contrastive")]
        assert float(rows[0]["loss"]) == pytest.approx(sum(parts), rel=1e-4)


def test_heads_are_trained_each_by_itself(tmp_path: Path) -> None:
    source = toy_source()
    recipe = replace(TOY, steps=20, gate=None)
    both = replace(recipe, heads=(TOY.heads[0], replace(TOY.heads[1], gated=False)))
    network = train_extractor(source, PARTS, tmp_path / "both", both)
    one = train_extractor(source, PARTS, tmp_path / "one", replace(both, heads=both.heads[:1]))
    x = torch.randn(5, 60)
    torch.testing.assert_close(network(x)[:, :8], one(x))


def test_a_gated_head_learns_from_its_own_variants(tmp_path: Path) -> None:
    source = toy_source()
    network = train_extractor(source, PARTS, tmp_path / "a", replace(TOY, steps=20))
    spoilt = source.values.copy()
    spoilt[:, :, 1] = 0  # the second variant, which only the first head learns from
    other = FeatureSource(Features(spoilt, source.models, source.block))
    changed = train_extractor(other, PARTS, tmp_path / "b", replace(TOY, steps=20))
    same = [
        all(torch.equal(a, b) for a, b in zip(x.parameters(), y.parameters(), strict=True))
        for x, y in zip(network.heads, changed.heads, strict=True)
    ]
    assert not any(same)  # both, since the input is standardised with all variants
    # The spoilt variant is told from the kept one.
    seen = torch.from_numpy(spoilt[:, 0].astype(np.float32))
    plain, processed = (changed._split(seen[:, v])["a"].flatten(1) for v in (0, 1))
    assert changed.gate(plain).min() > 0.5 > changed.gate(processed).max()


def test_gated_embeddings_count_as_much_as_the_window_looks_unprocessed() -> None:
    torch.manual_seed(0)
    parts = {"a": (1, 4, 5), "b": (2, 4, 5)}
    heads = (Head(("a",)), Head(("b",), gated=True))
    network = CompactNet(parts, heads=heads, gate="a", widths=(4,), embedding=8).eval()
    x = torch.randn(5000, 60)
    unfitted = network(x)
    torch.testing.assert_close(unfitted[:, :8].norm(dim=1), torch.full((5000,), 0.75**0.5))
    torch.testing.assert_close(unfitted[:, 8:].norm(dim=1), torch.full((5000,), 0.5**0.5))
    unprocessed = x[:, 3] > 0  # a number of part a
    network.fit_gate(x, unprocessed)
    chance = network(x)[:, 8:].square().sum(1)
    torch.testing.assert_close(network(x)[:, :8].square().sum(1), 1 - chance / 2)
    assert chance[unprocessed].mean() > 0.7 > 0.3 > chance[~unprocessed].mean()
    network.fit_gate(x, torch.ones(5000, dtype=torch.bool))  # one kind says nothing of the other
    torch.testing.assert_close(network(x)[:, 8:].square().sum(1), chance)


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


# networks


def test_resnet50_has_the_known_number_of_parameters() -> None:
    network = ResNet50()
    count = sum(p.numel() for p in network.parameters())
    # torchvision's 25,557,032 less its fc (2048·1000 + 1000), and 2·3 of the input's batch norm.
    assert count == 25_557_032 - 2_049_000 + 6 == 23_508_032 + 6
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 53
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 2048)
    stages = network.stages(network.stem(torch.zeros(1, 3, 64, 64)))
    assert stages.shape == (1, 2048, 2, 2)  # stride 32
    assert PAPER.embedding == network.embedding == 2048


def test_the_compact_network_standardises_its_input() -> None:
    network = CompactNet({"a": (2, 3, 5)}, heads=(Head(("a",)),), widths=(4,), embedding=4).eval()
    features = torch.randn(500, 30, generator=torch.manual_seed(0)) * 7 + 3
    network.fit_input(features)
    standard = (features - network.mean) * network.scale
    torch.testing.assert_close(standard.mean(0), torch.zeros(30), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(30), atol=1e-5, rtol=0)
    assert network(features).shape == (500, 4)
    network.fit_input(torch.full((10, 30), 2.0))  # a constant input divides by no zero
    assert torch.isfinite(network(torch.full((1, 30), 2.0))).all()


def test_a_head_sees_its_own_parts_and_weighs_as_much_as_another() -> None:
    torch.manual_seed(0)
    parts = {"a": (1, 9, 7), "b": (2, 9, 7), "c": (1, 4, 4)}
    heads = (Head(("a",)), Head(("b", "c")))
    network = CompactNet(parts, heads=heads, widths=(4, 6), embedding=5).eval()
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


def test_whitening_is_the_identity_until_it_is_fitted() -> None:
    whitening = Whitening(5)
    z = torch.nn.functional.normalize(torch.randn(7, 5, generator=torch.manual_seed(0)), dim=1)
    torch.testing.assert_close(whitening(z), z)
    whitening.fit(z[:, None], 0.2)  # one image a model: no covariance to learn from
    torch.testing.assert_close(whitening(z), z)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_whitening_levels_what_varies_within_a_model(shrinkage: float) -> None:
    rng = np.random.default_rng(0)
    spread = np.array([3.0, 1.0, 0.2, 0.05])
    z = rng.normal(size=(40, 1, 4)) + rng.normal(size=(40, 25, 4)) * spread @ rng.normal(
        size=(4, 4)
    )
    whitening = Whitening(4)
    whitening.fit(torch.from_numpy(z).float(), shrinkage)
    matrix = whitening.matrix.numpy().astype(float)
    within = (z - z.mean(1, keepdims=True)).reshape(-1, 4)
    covariance = within.T @ within / len(within)
    mixed = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / 4 * np.eye(4)
    reference = scipy.linalg.fractional_matrix_power(mixed / (np.trace(covariance) / 4), -0.5)
    np.testing.assert_allclose(matrix, reference, rtol=1e-3, atol=1e-3)
    expected = (z - z.mean((0, 1))) @ reference
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    got = whitening(torch.from_numpy(z.reshape(-1, 4)).float()).numpy()
    np.testing.assert_allclose(got, expected.reshape(-1, 4), atol=1e-3)


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


# operations


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.asarray(photograph(0, 72, 64))


@pytest.mark.parametrize("name", ["jpeg", "webp", "blur", "noise"])
def test_operations_keep_shape_and_dtype_and_follow_the_seed(
    name: str, picture: np.ndarray
) -> None:
    operation = getattr(operations, name)
    for seed in range(6):
        before = picture.copy()
        out = operation(picture, np.random.default_rng(seed))
        assert out.shape == picture.shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(picture, before)  # the input is left alone
        np.testing.assert_array_equal(out, operation(picture, np.random.default_rng(seed)))
        change = np.abs(out.astype(float) - picture)
        assert 0 < change.mean() < 20


def test_resize_stays_within_its_factors(picture: np.ndarray) -> None:
    for seed in range(10):
        out = operations.resize(picture, np.random.default_rng(seed))
        assert out.dtype == np.uint8
        height, width = out.shape[:2]
        assert out.shape[2] == 3
        assert 0.6 * 64 - 1 <= height <= 1.6 * 64 + 1
        assert width / height == pytest.approx(72 / 64, rel=0.03)


def test_jpeg_really_quantises(picture: np.ndarray) -> None:
    """At low quality most DCT coefficients of a block are zero; in the input hardly any are."""
    from scipy.fft import dctn

    grey = np.repeat(picture[..., 1:2], 3, axis=2)  # all information is in the luma

    def zeros(image: np.ndarray) -> float:
        blocks = image[..., 1].astype(float).reshape(8, 8, 9, 8).swapaxes(1, 2)
        return float(np.mean(np.abs(dctn(blocks, axes=(2, 3), norm="ortho")) < 1.5))

    coarse = operations.jpeg(grey, np.random.default_rng(0), 20, 20)
    fine = operations.jpeg(grey, np.random.default_rng(0), 98, 98)
    assert zeros(grey) < 0.45
    assert zeros(coarse) > 0.7
    assert np.abs(fine.astype(int) - grey).mean() < np.abs(coarse.astype(int) - grey).mean() / 2


def test_jpeg_draws_qualities_tables_and_subsamplings(
    picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read back from the real files that it writes."""
    from PIL import JpegImagePlugin

    seen: list[tuple[int, tuple[int, ...]]] = []
    through = operations._through

    def spy(image: np.ndarray, container: str, **options: object) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, container, **options)
        with Image.open(buffer) as file:
            seen.append((JpegImagePlugin.get_sampling(file), tuple(file.quantization[0])))
        return through(image, container, **options)

    monkeypatch.setattr(operations, "_through", spy)
    rng = np.random.default_rng(0)
    for _ in range(60):
        operations.jpeg(picture, rng)
    assert {sampling for sampling, _ in seen} == {0, 2}
    assert len({table for _, table in seen}) > 20


def test_processing_changes_every_image_its_own_way(picture: np.ndarray) -> None:
    images = np.stack([picture.transpose(2, 0, 1)] * 8)
    out = process(images, np.random.default_rng(0), 2)
    assert out.shape == images.shape
    assert out.dtype == np.uint8
    assert len({image.tobytes() for image in out} | {images[0].tobytes()}) == 9


def test_the_first_processed_variant_is_jpeg_as_platforms_publish_it(picture: np.ndarray) -> None:
    images = np.stack([picture.transpose(2, 0, 1)] * 8)
    out = process(images, np.random.default_rng(0), 1)
    known = {through_jpeg(picture, quality) for quality in range(75, 96)}
    assert {image.transpose(1, 2, 0).tobytes() for image in out} <= known
    assert len({image.tobytes() for image in out}) > 3  # qualities


def through_jpeg(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB")).tobytes()
