"""Metrics of the evaluation against independent references: scikit-learn and plain loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("sklearn", reason="needs the trainer extra")

from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from trainer.evaluation import metrics

# A coarse grid of scores, so that ties are common.
SCORES = arrays(np.float64, st.integers(1, 30), elements=st.integers(-5, 5).map(lambda v: v / 5))
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
@given(SCORES, SCORES, st.sampled_from([-0.3, 0.0, 0.2, 2.0]))
def test_accuracy_at_a_threshold_accepts_equality(
    genuine: np.ndarray, impostor: np.ndarray, threshold: float
) -> None:
    fmr = sum(i >= threshold for i in impostor) / len(impostor)
    fnmr = sum(g < threshold for g in genuine) / len(genuine)
    rates = metrics.error_rates(genuine, impostor, threshold)
    assert rates == pytest.approx((fmr, fnmr))
    accuracy = metrics.accuracy_at(genuine, impostor, threshold)
    assert accuracy == pytest.approx(1 - (fmr + fnmr) / 2)
    if len(genuine) == len(impostor):  # then it is the plain share of right decisions
        truth = [1] * len(genuine) + [0] * len(impostor)
        decisions = np.concatenate([genuine, impostor]) >= threshold
        assert accuracy == pytest.approx(accuracy_score(truth, decisions))


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
