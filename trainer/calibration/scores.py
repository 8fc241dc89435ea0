"""Scores of pairs of image sets, and what is read from them: thresholds, likelihood ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint_sdk.evidence.cohort import Cohort


@dataclass(frozen=True, eq=False)
class Sets:
    """What pairs of image sets are scored from.

    Attributes:
        cosines: float32, (M · n, M · n), of every two images; those of a model stand together.
        explained: (M, n), what the cohort explains of each image.
    """

    cosines: np.ndarray
    explained: np.ndarray

    @classmethod
    def of(cls, embeddings: np.ndarray, cohort: Cohort) -> Sets:
        """From image embeddings, (M, n, D), L2-normalised."""
        rows = embeddings.reshape(-1, embeddings.shape[2])
        explained = np.array([one.amount for one in cohort.explain(rows)])
        return cls(rows @ rows.T, explained.reshape(embeddings.shape[:2]))


def pair_scores(
    sets: Sets,
    images_a: int,
    images_b: int,
    pairs: int,
    rng: np.random.Generator,
    twins: float = 0.0,
    alike: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of (genuine, impostor) pairs of image sets: `evidence.side.compare` of so many.

    Args:
        sets: of at least two models.
        images_a, images_b: on the two sides; together no more than a model has.
        pairs: of either sort.
        rng: draws models and images.
        twins, alike: as in `CalibrationRecipe`.
    """
    models, images = sets.explained.shape
    blocks = sets.cosines.reshape(models, images, models, images).mean(axis=(1, 3))
    lengths = np.sqrt(np.diag(blocks))
    similarity = blocks / lengths / lengths[:, None]
    np.fill_diagonal(similarity, -np.inf)
    ranked = np.argsort(-similarity, axis=1)
    left_out = min(round(twins * (models - 1)), models - 2)
    last = max(left_out + 1, round(alike * (models - 1)))
    scores = []
    for genuine in (True, False):
        first = rng.integers(models, size=pairs)
        other = ranked[first, rng.integers(left_out, last, size=pairs)]
        second = first if genuine else other
        order = rng.permuted(np.tile(np.arange(images), (pairs, 1)), axis=1)
        a = first[:, None] * images + order[:, :images_a]
        b = second[:, None] * images + order[:, images_a : images_a + images_b]
        cosine = _mean(sets, a, b) / np.sqrt(_mean(sets, a, a) * _mean(sets, b, b))
        taken = sum(sets.explained.ravel()[side].mean(1) for side in (a, b))
        scores.append(cosine - taken)
    return scores[0], scores[1]


def _mean(sets: Sets, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean cosine of the images of each two sets, shapes (pairs, n) and (pairs, m)."""
    total = np.zeros(len(a))
    for column in a.T:
        total += sets.cosines[column[:, None], b].mean(1, dtype=np.float64)
    return total / a.shape[1]


def thresholds(impostor: np.ndarray, fmrs: Sequence[float]) -> dict[str, float]:
    """Smallest threshold, at most 1, whose impostor rate does not exceed each FMR."""
    ordered = np.sort(impostor)
    table = {}
    for fmr in fmrs:
        allowed = int(np.floor(fmr * len(ordered)))
        above = float(np.nextafter(ordered[len(ordered) - allowed - 1], np.inf))
        table[str(fmr)] = min(above, 1.0)
    return table


def misses(genuine: np.ndarray, fnmrs: Sequence[float], spread: float = 1.0) -> dict[str, float]:
    """Largest score that no more than a share `spread` of each FNMR of the pairs stay below."""
    ordered = np.sort(genuine)
    return {
        str(fnmr): float(ordered[int(np.floor(spread * fnmr * len(ordered)))]) for fnmr in fnmrs
    }


def logistic(genuine: np.ndarray, impostor: np.ndarray) -> list[float]:
    """[slope, intercept] of ln of the likelihood ratio, by logistic regression on the score."""
    from sklearn.linear_model import LogisticRegression

    score = np.concatenate([genuine, impostor])[:, None]
    same = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    fit = LogisticRegression(C=1e3, class_weight="balanced").fit(score, same)
    return [float(fit.coef_[0, 0]), float(fit.intercept_[0])]
