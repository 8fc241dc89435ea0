"""What an extractor learns from: losses and batches."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.extractor import (
    CosineClassifier,
    Sampler,
    batch_hard_triplet,
    supervised_contrastive,
)

pytestmark = pytest.mark.usefixtures("one_thread")


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
    sampler = Sampler(models=8, images=images, confusable=confusable, processed=0.5, averaged=3)
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
    sampler = Sampler(models=6, images=3, confusable=0.25, processed=0.4, averaged=3)
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
