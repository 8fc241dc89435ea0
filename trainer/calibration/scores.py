"""Scores of pairs of image sets, and what is read from them: thresholds, likelihood ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint_sdk.evidence.cohort import Cohort

_HALVES = 2  # of a model's images: what is compared with its own shares no image


@dataclass(frozen=True, eq=False)
class Drawn:
    """Sets of so many images, each by one model.

    Attributes:
        embeddings: float32, (draws, 2, M, S, D), L2-normalised means of S sets of each model from
            one half of its images, and from the other.
        explained: (draws, 2, M, S), what the cohort explains of each.
    """

    embeddings: np.ndarray
    explained: np.ndarray


@dataclass(frozen=True, eq=False)
class Sets:
    """What pairs of image sets are scored from.

    Attributes:
        drawn: by the number of images.
        alike: (M, M - 1), of each model the others, by falling likeness of all their images.
    """

    drawn: Mapping[int, Drawn]
    alike: np.ndarray

    @classmethod
    def of(
        cls,
        embeddings: np.ndarray,
        cohort: Cohort,
        images: Sequence[int],
        *,
        draws: int,
        sets: int,
        seed: int,
    ) -> Sets:
        """Draw sets.

        Args:
            embeddings: image embeddings of M >= 2 models, (M, n, D), L2-normalised.
            cohort: what it explains is taken off the scores.
            images: sizes of sets, at most half of n.
            draws: how often the images are halved.
            sets: S, of each model, half and size.
            seed: of the draws.

        Raises ValueError when a set is larger than half of the images.
        """
        if max(images) > embeddings.shape[1] // _HALVES:
            raise ValueError(
                f"sets of {max(images)} images need twice as many of a model, "
                f"not {embeddings.shape[1]}"
            )
        drawn = {}
        for count in images:
            means = draw_means(embeddings, count, draws=draws, sets=sets, seed=seed)
            told = cohort.explain(means.reshape(-1, means.shape[-1]), count)
            amounts = np.array([one.amount for one in told]).reshape(means.shape[:-1])
            drawn[count] = Drawn(means, amounts)
        whole = _normalised(embeddings.mean(axis=1, dtype=np.float64))
        likeness = whole @ whole.T
        np.fill_diagonal(likeness, np.inf)  # itself first, and left out
        return cls(drawn, np.argsort(-likeness, axis=1, kind="stable")[:, 1:])


def draw_means(
    embeddings: np.ndarray, images: int, *, draws: int, sets: int, seed: int
) -> np.ndarray:
    """Means of drawn sets, see ``Drawn.embeddings``; the halves of a draw are those of any size.

    Args:
        embeddings: (M, n, D).
        images: of a set.
        draws, sets, seed: see ``Sets.of``.
    """
    models, given, size = embeddings.shape
    half = given // _HALVES
    means = np.empty((draws, _HALVES, models, sets, size), np.float32)
    for draw in range(draws):
        split, rng = (np.random.default_rng((seed, draw, number)) for number in (0, images))
        order = split.permutation(given)  # of all models, so that impostors share no photograph
        for side in range(_HALVES):
            own = np.broadcast_to(order[side * half : (side + 1) * half], (models, sets, half))
            chosen = rng.permuted(own, axis=2)[:, :, :images]
            found = embeddings[np.arange(models)[:, None, None], chosen]
            means[draw, side] = _normalised(found.mean(axis=2, dtype=np.float64))
    return means


def pair_scores(
    sets: Sets,
    images_a: int,
    images_b: int,
    alike: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of (genuine, impostor) pairs of image sets: `evidence.side.compare` of all drawn.

    Args:
        sets: of at least two models.
        images_a, images_b: on the two sides.
        alike: the share of the other models, the most alike, that are impostors of a model.
    """
    a, b = sets.drawn[images_a], sets.drawn[images_b]
    others = sets.alike.shape[1]
    kept = sets.alike[:, : max(1, round(alike * others))]
    own = np.arange(len(kept))
    genuine, impostor = [], []
    for draw in range(len(a.embeddings)):
        cosines = np.einsum(
            "isd,jtd->ijst", a.embeddings[draw, 0], b.embeddings[draw, 1], optimize=True
        )
        scores = cosines - a.explained[draw, 0][:, None, :, None]
        scores -= b.explained[draw, 1][None, :, None, :]
        genuine.append(scores[own, own].ravel())
        impostor.append(scores[own[:, None], kept].ravel())
    return np.concatenate(genuine), np.concatenate(impostor)


def _normalised(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


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


LEAST_SLOPE = 0.1
"""Of ln of the likelihood ratio: so flat it supports no answer at any score from -1 to 1."""


def logistic(genuine: np.ndarray, impostor: np.ndarray) -> list[float]:
    """[slope, intercept] of ln of the likelihood ratio, by logistic regression on the score.

    Where pairs of one source score no higher than others, as with a model of which a condition
    leaves nothing, the slope is ``LEAST_SLOPE``.
    """
    from sklearn.linear_model import LogisticRegression

    score = np.concatenate([genuine, impostor])[:, None]
    same = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    fit = LogisticRegression(C=1e3, class_weight="balanced").fit(score, same)
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if slope < LEAST_SLOPE:
        return [LEAST_SLOPE, -LEAST_SLOPE * float(score.mean())]
    return [slope, intercept]
