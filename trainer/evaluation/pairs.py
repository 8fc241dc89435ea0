"""Random pairs of images, or of sets of images, and their scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Pairs:
    """Scores of some pairs, the generators of their sides (indices), and which are lossy."""

    scores: np.ndarray
    side_a: np.ndarray
    side_b: np.ndarray
    lossy: np.ndarray

    def take(self, kept: np.ndarray) -> Pairs:
        return Pairs(self.scores[kept], self.side_a[kept], self.side_b[kept], self.lossy[kept])


def draw_pairs(
    embeddings: Mapping[str, np.ndarray],
    recompressed: Mapping[str, np.ndarray] | None,
    images: int,
    pairs: int,
    rng: np.random.Generator,
) -> tuple[Pairs, Pairs]:
    """As many genuine pairs as impostor pairs, compared.

    Generators are drawn uniformly, then images without replacement, so no image meets itself.
    Arguments are those of `score_verification`.
    """
    counts = np.array([len(rows) for rows in embeddings.values()])
    starts = np.cumsum(counts) - counts
    stacked = np.concatenate(list(embeddings.values()))
    lossy = (
        np.zeros(len(stacked), bool)
        if recompressed is None
        else np.concatenate([recompressed[model] for model in embeddings])
    )

    def compare(side_a: np.ndarray, side_b: np.ndarray, chosen: np.ndarray) -> Pairs:
        a, b = chosen[:, :images], chosen[:, images:]
        scores = np.einsum("nd,nd->n", _mean(stacked, a), _mean(stacked, b)).astype(np.float64)
        return Pairs(scores, side_a, side_b, lossy[chosen].any(axis=1))

    same = rng.integers(len(counts), size=pairs)
    chosen = starts[same, None] + _distinct(rng, counts[same], 2 * images)
    genuine = compare(same, same, chosen)

    first = rng.integers(len(counts), size=pairs)
    second = (first + rng.integers(1, len(counts), size=pairs)) % len(counts)
    drawn = [starts[side, None] + _distinct(rng, counts[side], images) for side in (first, second)]
    return genuine, compare(first, second, np.concatenate(drawn, axis=1))


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
