"""1:1 verification: do two images, or two sets of images, share a model (paper, IV-A)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.images.quality import Quality
from trainer.evaluation.decisions import Decisions, Findings, decide, findings
from trainer.evaluation.metrics import (
    Estimate,
    best_threshold_accuracy,
    bootstrap_auc,
    fnmr_at_fmr,
    roc_auc,
)
from trainer.evaluation.pairs import draw_pairs

SET_IMAGES = 5
"""Images a side in set verification."""


@dataclass(frozen=True)
class PairScores:
    """Verification scores over one choice of pairs.

    Attributes:
        genuine_pairs, impostor_pairs: how many there are.
        auc: area under the ROC curve; interval by a bootstrap over generators.
        best_threshold_accuracy: the paper's; chosen on these very pairs, so it flatters.
        fnmr_at_fmr_1, fnmr_at_fmr_10: FNMR at an FMR of at most 1 % and 10 % on these pairs.
        decisions: what the SDK says at the shipped rates; None for a model without calibration.
    """

    genuine_pairs: int
    impostor_pairs: int
    auc: Estimate
    best_threshold_accuracy: float
    fnmr_at_fmr_1: float
    fnmr_at_fmr_10: float
    decisions: Decisions | None


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
    quality: Mapping[str, Sequence[Quality]] | None = None,
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
        calibration: of the model that made the embeddings; then scores are the SDK's, else
            cosines.
        quality: for each model, of its images; None if unknown.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_pairs([len(rows) for rows in embeddings.values()], images, pairs, rng)
    count = len(embeddings)
    resampled = rng.multinomial(count, np.full(count, 1 / count), resamples)
    stacked = np.concatenate(list(embeddings.values()))
    known = [] if quality is None else [one for name in embeddings for one in quality[name]]
    genuine, impostor = (findings(stacked, sort, calibration, known) for sort in drawn)
    _, decoder_of = np.unique([decoders[model] for model in embeddings], return_inverse=True)
    apart = decoder_of[impostor.side_a] != decoder_of[impostor.side_b]
    model = _pair_scores(genuine, impostor, resampled, calibration)
    if apart.all():
        return VerificationScores(images, model, model)
    decoder = (
        _pair_scores(genuine, impostor.take(apart), resampled, calibration)
        if apart.any()
        else None
    )
    return VerificationScores(images, model, decoder)


def _pair_scores(
    genuine: Findings,
    impostor: Findings,
    resampled: np.ndarray,
    calibration: Calibration | None,
) -> PairScores:
    right, wrong = genuine.scores, impostor.scores
    auc = Estimate(roc_auc(right, wrong))
    if len(resampled):
        # A generator drawn k times counts k-fold; two copies of it are no impostors.
        aucs = bootstrap_auc(
            right,
            resampled[:, genuine.side_a],
            wrong,
            resampled[:, impostor.side_a] * resampled[:, impostor.side_b],
        )
        aucs = aucs[np.isfinite(aucs)]  # a resample may hold no impostor pair
        if len(aucs):
            low, high = np.percentile(aucs, [2.5, 97.5])
            auc = Estimate(auc.value, float(low), float(high))
    return PairScores(
        len(right),
        len(wrong),
        auc,
        best_threshold_accuracy(right, wrong),
        fnmr_at_fmr(right, wrong, 0.01),
        fnmr_at_fmr(right, wrong, 0.1),
        None if calibration is None else decide(genuine, impostor, calibration),
    )
