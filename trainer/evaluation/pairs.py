"""Random pairs of images, or of sets of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of sides, each so many images of one generator.

    Attributes:
        a, b: places of the images on each side, in one array of all images; int (n, images).
        side_a, side_b: the generators of the sides, by number; int (n,).
    """

    a: np.ndarray
    b: np.ndarray
    side_a: np.ndarray
    side_b: np.ndarray


def draw_pairs(
    counts: Sequence[int], images: int, pairs: int, rng: np.random.Generator
) -> tuple[Pairs, Pairs]:
    """As many genuine pairs as impostor pairs.

    Generators are drawn uniformly, then images without replacement, so no image meets itself.

    Args:
        counts: images of each generator, which stand one generator after the other.
        images: a side; a generator has twice as many at least.
        pairs: of either sort.
        rng: draws both.
    """
    each = np.asarray(counts)
    starts = np.cumsum(each) - each
    same = rng.integers(len(each), size=pairs)
    chosen = starts[same, None] + _distinct(rng, each[same], 2 * images)
    genuine = Pairs(chosen[:, :images], chosen[:, images:], same, same)

    first = rng.integers(len(each), size=pairs)
    second = (first + rng.integers(1, len(each), size=pairs)) % len(each)
    a, b = (starts[side, None] + _distinct(rng, each[side], images) for side in (first, second))
    return genuine, Pairs(a, b, first, second)


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
