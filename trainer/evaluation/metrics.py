"""Metrics of verification and identification, each a function of scores or of labels.

A pair is accepted ("same model") when its score is at least the threshold, as in the SDK. Scores
are float arrays of shape (n,), the higher the more alike; rates are shares from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, roc_auc_score, roc_curve


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval; the ends are None where none can be given."""

    value: float
    low: float | None = None
    high: float | None = None


def mean_interval(values: np.ndarray) -> Estimate:
    """Mean, with the 2.5th and 97.5th percentile of the values as the interval's ends."""
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(float(np.mean(values)), float(low), float(high))


def roc_auc(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Area under the ROC curve: P(genuine > impostor) + P(equal) / 2."""
    return float(roc_auc_score(*_labelled(genuine, impostor)))


def bootstrap_auc(
    genuine: np.ndarray,
    genuine_weights: np.ndarray,
    impostor: np.ndarray,
    impostor_weights: np.ndarray,
) -> np.ndarray:
    """AUC of each resample, shape (R,), given every pair's weight in it.

    Args:
        genuine, impostor: scores, shapes (n,) and (m,).
        genuine_weights, impostor_weights: shapes (R, n) and (R, m). NaN where a row is all zero.
    """
    order = np.argsort(impostor)
    below = np.zeros((len(impostor_weights), len(impostor) + 1))
    np.cumsum(impostor_weights[:, order], axis=1, out=below[:, 1:])
    ranked = impostor[order]
    beaten = below[:, np.searchsorted(ranked, genuine, "left")]
    beaten += below[:, np.searchsorted(ranked, genuine, "right")]  # a tie counts half
    wins = np.einsum("rn,rn->r", genuine_weights, beaten) / 2
    total = genuine_weights.sum(axis=1) * below[:, -1]
    return np.divide(wins, total, out=np.full(len(wins), np.nan), where=total > 0)


def best_threshold_accuracy(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Highest accuracy over all thresholds (paper, IV-A).

    The threshold is chosen on the scores it is judged by, so this flatters: what a user gets is
    the accuracy at a threshold fixed beforehand. Genuine and impostor pairs weigh half each.
    """
    fmr, tpr, _ = roc_curve(*_labelled(genuine, impostor))
    return float(np.max(tpr + 1 - fmr) / 2)


def fnmr_at_fmr(genuine: np.ndarray, impostor: np.ndarray, fmr: float) -> float:
    """FNMR at the smallest threshold whose share of accepted impostors is at most ``fmr``.

    With n impostors, at most k = floor(fmr * n) may be accepted, so the threshold is the smallest
    number above the (k+1)-th highest impostor score, and the FNMR is the share of genuine scores
    that do not exceed that impostor's. Nothing is interpolated: where impostors tie, or fmr * n
    is no whole number, the realised FMR lies below ``fmr``, never above it.
    """
    if not 0 <= fmr <= 1:
        raise ValueError(f"fmr must lie between 0 and 1, not {fmr!r}")
    allowed = int(fmr * len(impostor) + 1e-9)  # 0.29 * 100 is 28.999...
    if allowed >= len(impostor):
        return 0.0
    index = len(impostor) - 1 - allowed
    return float(np.mean(genuine <= np.partition(impostor, index)[index]))


def cllr(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Cost of likelihood ratios, in bits (Brümmer and du Preez 2006).

    0 for ratios that tell all, 1 for ratios that say nothing, more for ratios that mislead.
    Genuine and impostor pairs weigh half each.

    Args:
        genuine, impostor: likelihood ratios, positive, shapes (n,) and (m,).
    """
    missed, passed = np.log2(1 + 1 / genuine), np.log2(1 + impostor)
    return float(missed.mean() + passed.mean()) / 2


def cllr_min(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """The least `cllr` of any rising function of the ratios: what no calibration would mend.

    That function is isotonic regression on these very pairs, so it flatters.
    """
    labels, ratios = _labelled(genuine, impostor)
    half = np.repeat([1 / len(genuine), 1 / len(impostor)], [len(genuine), len(impostor)])
    same = IsotonicRegression().fit(ratios, labels, half).predict(ratios)
    missed, passed = np.log2(1 / same[: len(genuine)]), np.log2(1 / (1 - same[len(genuine) :]))
    return float(missed.mean() + passed.mean()) / 2


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of probes identified correctly."""
    return float(np.mean(truth == predicted))


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """F1 averaged over the classes in either array, each with the same weight."""
    return float(f1_score(truth, predicted, average="macro", zero_division=0.0))


def class_recall(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Share of each class's probes that were identified correctly, shape (classes,).

    Labels are integers from 0 to ``classes - 1``, and each class has a probe.
    """
    hits = np.bincount(truth[truth == predicted], minlength=classes)
    return hits / np.bincount(truth, minlength=classes)


def _labelled(genuine: np.ndarray, impostor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    return labels, np.concatenate([genuine, impostor])
