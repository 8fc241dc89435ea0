"""Metrics of the evaluation against independent references: scikit-learn and plain loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("sklearn", reason="needs the trainer extra")

from sklearn.metrics import recall_score, roc_auc_score

from trainer.evaluation import metrics

# A coarse grid of scores, so that ties are common.
SCORES = arrays(np.float64, st.integers(1, 30), elements=st.integers(-5, 5).map(lambda v: v / 5))
RATIOS = SCORES.map(lambda scores: 10.0 ** (3 * scores))
LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)

quick = settings(max_examples=50, deadline=None)


def cuts(genuine: np.ndarray, impostor: np.ndarray) -> list[float]:
    """One threshold in every gap between scores, and one beyond each end, by plain Python."""
    scores = sorted({*genuine.tolist(), *impostor.tolist()})
    return [scores[0] - 1, *((a + b) / 2 for a, b in pairwise(scores)), 9.0]


@quick
@given(SCORES, SCORES)
def test_auc_is_the_share_of_pairs_won(genuine: np.ndarray, impostor: np.ndarray) -> None:
    wins = sum((g > i) + 0.5 * (g == i) for g in genuine for i in impostor)
    expected = wins / (len(genuine) * len(impostor))
    assert metrics.roc_auc(genuine, impostor) == pytest.approx(expected, abs=1e-12)


@quick
@given(SCORES, SCORES)
def test_best_threshold_accuracy_tries_every_threshold(
    genuine: np.ndarray, impostor: np.ndarray
) -> None:
    best = max(
        (
            sum(g >= t for g in genuine) / len(genuine)
            + sum(i < t for i in impostor) / len(impostor)
        )
        / 2
        for t in cuts(genuine, impostor)
    )
    assert metrics.best_threshold_accuracy(genuine, impostor) == pytest.approx(best, abs=1e-12)


@quick
@given(SCORES, SCORES, st.sampled_from([0.0, 0.01, 0.1, 0.29, 0.5, 1.0]))
def test_fnmr_at_fmr_tries_every_threshold(
    genuine: np.ndarray, impostor: np.ndarray, fmr: float
) -> None:
    allowed = [
        t for t in cuts(genuine, impostor) if sum(i >= t for i in impostor) / len(impostor) <= fmr
    ]
    expected = sum(g < min(allowed) for g in genuine) / len(genuine)
    assert metrics.fnmr_at_fmr(genuine, impostor, fmr) == pytest.approx(expected, abs=1e-12)


def test_fnmr_at_fmr_counts_impostors_exactly() -> None:
    impostor = np.arange(100) / 100  # highest 0.99
    genuine = np.array([0.98, 0.985, 0.99, 1.0])
    # One impostor of 100 may pass: the threshold lies just above the second highest, 0.98.
    assert metrics.fnmr_at_fmr(genuine, impostor, 0.01) == 0.25
    assert metrics.fnmr_at_fmr(genuine, impostor, 0.0) == 0.75
    # All impostors tie: none may pass.
    assert metrics.fnmr_at_fmr(genuine, np.full(100, 0.985), 0.5) == 0.5
    # 0.29 * 100 is 28.999... in floating point, and still 29 impostors.
    assert metrics.fnmr_at_fmr(np.array([0.705]), impostor, 0.29) == 0.0
    with pytest.raises(ValueError, match="fmr must lie between 0 and 1"):
        metrics.fnmr_at_fmr(genuine, impostor, 1.5)


@quick
@given(RATIOS, RATIOS)
def test_the_costs_of_likelihood_ratios_are_those_of_lir(
    genuine: np.ndarray, impostor: np.ndarray
) -> None:
    """By the Netherlands Forensic Institute's package, which takes log10 of the ratios."""
    import lir.metrics
    from lir.data.models import LLRData

    ratios = np.concatenate([genuine, impostor])
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    known = LLRData(features=np.log10(ratios), labels=labels)
    assert metrics.cllr(genuine, impostor) == pytest.approx(lir.metrics.cllr(known))
    least = metrics.cllr_min(genuine, impostor)
    assert least == pytest.approx(lir.metrics.cllr_min(known), abs=1e-9)
    assert 0 <= least <= metrics.cllr(genuine, impostor) + 1e-9
    # A rising function of the ratios changes nothing that calibration would not mend.
    assert metrics.cllr_min(genuine**3, impostor**3) == pytest.approx(least, abs=1e-9)


def test_the_cost_of_known_likelihood_ratios() -> None:
    """Each class weighs half, however many there are: by hand."""
    assert metrics.cllr(np.ones(3), np.ones(50)) == metrics.cllr_min(np.ones(3), np.ones(50)) == 1
    cost = metrics.cllr(np.array([3.0]), np.array([1 / 3, 1 / 3, 7.0]))
    assert cost == pytest.approx((np.log2(4 / 3) + (2 * np.log2(4 / 3) + 3) / 3) / 2)
    assert metrics.cllr_min(np.array([2.0, 3.0]), np.array([0.5])) == 0


@quick
@given(LABELS)
def test_identification_metrics_against_loops(labels: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(labels).T
    f1s = []
    for label in {*truth.tolist(), *predicted.tolist()}:
        hits = sum(t == p == label for t, p in labels)
        f1s.append(2 * hits / sum((t == label) + (p == label) for t, p in labels))
    assert metrics.macro_f1(truth, predicted) == pytest.approx(sum(f1s) / len(f1s))
    expected = sum(t == p for t, p in labels) / len(labels)
    assert metrics.accuracy(truth, predicted) == pytest.approx(expected)


def test_class_recall_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth = rng.permutation(np.repeat(np.arange(5), [3, 8, 1, 20, 9]))
    predicted = rng.integers(5, size=len(truth))
    expected = recall_score(truth, predicted, average=None)
    np.testing.assert_allclose(metrics.class_recall(truth, predicted, 5), expected)


def test_mean_interval() -> None:
    estimate = metrics.mean_interval(np.arange(41.0))
    assert (estimate.value, estimate.low, estimate.high) == (20.0, 1.0, 39.0)
    assert metrics.mean_interval(np.array([0.5])) == metrics.Estimate(0.5, 0.5, 0.5)


@quick
@given(SCORES, SCORES, st.integers(0, 1000))
def test_bootstrap_auc_is_scikit_learns_weighted(
    genuine: np.ndarray, impostor: np.ndarray, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 3, (4, len(genuine))), rng.integers(0, 3, (4, len(impostor)))
    got = metrics.bootstrap_auc(genuine, weights[0], impostor, weights[1])
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    for value, g, i in zip(got, *weights, strict=True):
        if g.sum() == 0 or i.sum() == 0:
            assert np.isnan(value)
            continue
        scores = np.concatenate([genuine, impostor])
        expected = roc_auc_score(labels, scores, sample_weight=np.concatenate([g, i]))
        assert value == pytest.approx(expected, abs=1e-9)
