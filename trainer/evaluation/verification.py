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
    bootstrap_auc,
    error_rates,
    fnmr_at_fmr,
    roc_auc,
)
from trainer.evaluation.pairs import Pairs, draw_pairs

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
    genuine, impostor = draw_pairs(embeddings, recompressed, images, pairs, rng)
    count = len(embeddings)
    resampled = rng.multinomial(count, np.full(count, 1 / count), resamples)
    _, decoder_of = np.unique([decoders[model] for model in embeddings], return_inverse=True)
    apart = decoder_of[impostor.side_a] != decoder_of[impostor.side_b]
    model = _pair_scores(genuine, impostor, resampled, images, calibration)
    if apart.all():
        return VerificationScores(images, model, model)
    decoder = (
        _pair_scores(genuine, impostor.take(apart), resampled, images, calibration)
        if apart.any()
        else None
    )
    return VerificationScores(images, model, decoder)


def _pair_scores(
    genuine: Pairs,
    impostor: Pairs,
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
    genuine: Pairs, impostor: Pairs, images: int, calibration: Calibration
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
