"""1:1 verification: do two images, or two sets of images, share a model (paper, IV-A)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fingerprint_sdk.calibration import Calibration
from trainer.evaluation.metrics import (
    Estimate,
    accuracy_at,
    best_threshold_accuracy,
    error_rates,
    fnmr_at_fmr,
    roc_auc,
)

SET_IMAGES = 5
"""Images a side in set verification."""


@dataclass(frozen=True)
class ShippedScores:
    """What a user gets at the threshold that ships with the model.

    Attributes:
        nominal_fmr: the calibration's default FMR, which the threshold promises.
        threshold, recompressed_threshold: for pairs without and with lossy compression.
        recompressed_pairs: share of all pairs that the second threshold was used for.
        accuracy: genuine and impostor pairs weigh half each.
        fmr, fnmr: the rates realised.
    """

    nominal_fmr: float
    threshold: float
    recompressed_threshold: float
    recompressed_pairs: float
    accuracy: float
    fmr: float
    fnmr: float


@dataclass(frozen=True)
class PairScores:
    """Verification scores over one choice of pairs.

    Attributes:
        genuine_pairs, impostor_pairs: how many there are.
        auc: area under the ROC curve; interval by a bootstrap over generators.
        best_threshold_accuracy: the paper's; chosen on these very pairs, so it flatters.
        fnmr_at_fmr_1, fnmr_at_fmr_10: FNMR at an FMR of at most 1 % and 10 % on these pairs.
        shipped: at the shipped threshold; None for a model without calibration.
    """

    genuine_pairs: int
    impostor_pairs: int
    auc: Estimate
    best_threshold_accuracy: float
    fnmr_at_fmr_1: float
    fnmr_at_fmr_10: float
    shipped: ShippedScores | None


@dataclass(frozen=True)
class VerificationScores:
    """Outcome of the verification protocol for one number of images a side.

    Attributes:
        images: a side.
        model: impostors are pairs of two different models.
        decoder: without the impostors whose two models share a decoder; None when none is left.
    """

    images: int
    model: PairScores
    decoder: PairScores | None


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Scores of some pairs, the generators of their sides (indices), and which are lossy."""

    scores: np.ndarray
    side_a: np.ndarray
    side_b: np.ndarray
    lossy: np.ndarray

    def take(self, kept: np.ndarray) -> _Pairs:
        return _Pairs(self.scores[kept], self.side_a[kept], self.side_b[kept], self.lossy[kept])


def score_verification(
    embeddings: Mapping[str, np.ndarray],
    decoders: Mapping[str, str],
    *,
    images: int = 1,
    pairs: int = 5000,
    seed: int = 0,
    resamples: int = 200,
    calibration: Calibration | None = None,
    recompressed: Mapping[str, np.ndarray] | None = None,
) -> VerificationScores:
    """Compare random pairs, half of them from one generator.

    Generators are drawn uniformly, then images without replacement, so no image meets itself.

    Args:
        embeddings: for each of at least two models, its images' L2-normalised embeddings, shape
            (n, D), n >= 2 * images.
        decoders: for each model, its decoder.
        images: a side; the sides of a pair never share one.
        pairs: number of genuine pairs, and of impostor pairs.
        seed: of the pairs and of the bootstrap.
        resamples: of the bootstrap; 0 for no interval.
        calibration: of the model that made the embeddings.
        recompressed: for each model, which of its images carry lossy compression, bool (n,);
            None for no image.
    """
    rng = np.random.default_rng(seed)
    counts = np.array([len(rows) for rows in embeddings.values()])
    starts = np.cumsum(counts) - counts
    stacked = np.concatenate(list(embeddings.values()))
    lossy = (
        np.zeros(len(stacked), bool)
        if recompressed is None
        else np.concatenate([recompressed[model] for model in embeddings])
    )

    def compare(side_a: np.ndarray, side_b: np.ndarray, chosen: np.ndarray) -> _Pairs:
        a, b = chosen[:, :images], chosen[:, images:]
        scores = np.einsum("nd,nd->n", _mean(stacked, a), _mean(stacked, b)).astype(np.float64)
        return _Pairs(scores, side_a, side_b, lossy[chosen].any(axis=1))

    same = rng.integers(len(counts), size=pairs)
    chosen = starts[same, None] + _distinct(rng, counts[same], 2 * images)
    genuine = compare(same, same, chosen)

    first = rng.integers(len(counts), size=pairs)
    second = (first + rng.integers(1, len(counts), size=pairs)) % len(counts)
    drawn = [starts[side, None] + _distinct(rng, counts[side], images) for side in (first, second)]
    impostor = compare(first, second, np.concatenate(drawn, axis=1))

    resampled = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), resamples)
    _, decoder_of = np.unique([decoders[model] for model in embeddings], return_inverse=True)
    apart = decoder_of[first] != decoder_of[second]
    model = _pair_scores(genuine, impostor, resampled, images, calibration)
    if apart.all():
        return VerificationScores(images, model, model)
    decoder = (
        _pair_scores(genuine, impostor.take(apart), resampled, images, calibration)
        if apart.any()
        else None
    )
    return VerificationScores(images, model, decoder)


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


def _pair_scores(
    genuine: _Pairs,
    impostor: _Pairs,
    resampled: np.ndarray,
    images: int,
    calibration: Calibration | None,
) -> PairScores:
    auc = Estimate(roc_auc(genuine.scores, impostor.scores))
    if len(resampled):
        # A generator drawn k times counts k-fold; two copies of it are no impostors.
        aucs = bootstrap_auc(
            genuine.scores,
            resampled[:, genuine.side_a],
            impostor.scores,
            resampled[:, impostor.side_a] * resampled[:, impostor.side_b],
        )
        aucs = aucs[np.isfinite(aucs)]  # a resample may hold no impostor pair
        if len(aucs):
            low, high = np.percentile(aucs, [2.5, 97.5])
            auc = Estimate(auc.value, float(low), float(high))
    return PairScores(
        len(genuine.scores),
        len(impostor.scores),
        auc,
        best_threshold_accuracy(genuine.scores, impostor.scores),
        fnmr_at_fmr(genuine.scores, impostor.scores, 0.01),
        fnmr_at_fmr(genuine.scores, impostor.scores, 0.1),
        None if calibration is None else _shipped(genuine, impostor, images, calibration),
    )


def _shipped(
    genuine: _Pairs, impostor: _Pairs, images: int, calibration: Calibration
) -> ShippedScores:
    nominal = calibration.default_fmr
    thresholds = np.array(
        [
            calibration.condition(images, images, recompressed=flag).threshold(nominal)
            for flag in (False, True)
        ]
    )
    # Each pair has a threshold of its own: judge the distance to it.
    genuine_margin = genuine.scores - thresholds[genuine.lossy.astype(int)]
    impostor_margin = impostor.scores - thresholds[impostor.lossy.astype(int)]
    fmr, fnmr = error_rates(genuine_margin, impostor_margin, 0.0)
    return ShippedScores(
        nominal_fmr=nominal,
        threshold=float(thresholds[0]),
        recompressed_threshold=float(thresholds[1]),
        recompressed_pairs=float(np.concatenate([genuine.lossy, impostor.lossy]).mean()),
        accuracy=accuracy_at(genuine_margin, impostor_margin, 0.0),
        fmr=fmr,
        fnmr=fnmr,
    )


def _distinct(rng: np.random.Generator, counts: np.ndarray, size: int) -> np.ndarray:
    """``size`` distinct random numbers below each of ``counts``: shape (len(counts), size).

    Each is drawn from those left, then moved up past the ones taken before it.
    """
    chosen = np.empty((len(counts), size), np.int64)
    for k in range(size):
        draw = rng.integers(counts - k)
        for taken in np.sort(chosen[:, :k], axis=1).T:
            draw += draw >= taken
        chosen[:, k] = draw
    return chosen


def _mean(stacked: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """L2-normalised mean of the chosen rows: (n, k) indices to (n, D)."""
    total = stacked[chosen[:, 0]]
    for column in chosen.T[1:]:
        total = total + stacked[column]
    norm = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.maximum(norm, 1e-12)
