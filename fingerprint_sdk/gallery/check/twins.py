"""Entries that cannot be told apart: by verification, or because each is taken for the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.check.findings import Twins
from fingerprint_sdk.verification import verify_sides

MOST_PAIRS = 2_000
"""Pairs of entries that are verified at most, those of the highest scores."""

_BLOCK = 512  # entries at once: 20 MB of scores with 10,000 entries

_TAKEN = 0.25
"""Share of each one's images that must be nearest to the other: half of what chance would make of
two entries of one generator."""


def nearest_pairs(
    background: Background, sides: Sequence[Side], floor: float
) -> tuple[list[tuple[int, int]], npt.NDArray[np.float64]]:
    """Pairs of entries by falling score, and the best score of each entry with another.

    Args:
        background: of the gallery, N entries.
        sides: that all images of each entry make.
        floor: scores below it are of no interest.
    """
    matrix = background.known.matrix[background.known.rows[:, 0]]
    explained = np.array([side.explained for side in sides], np.float32)
    best = np.full(len(matrix), -np.inf)
    pairs, values = np.empty((0, 2), np.intp), np.empty(0, np.float32)
    for start in range(0, len(matrix), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(matrix)))
        scores = matrix[rows] @ matrix.T
        scores -= explained[rows, None] + explained
        scores[rows - start, rows] = -np.inf
        best[rows] = scores.max(axis=1)
        found = np.argwhere((scores >= floor) & (np.arange(len(matrix)) > rows[:, None]))
        values = np.concatenate([values, scores[found[:, 0], found[:, 1]]])
        pairs = np.concatenate([pairs, found + np.array([start, 0])])
        kept = np.argsort(-values, kind="stable")[:MOST_PAIRS]
        pairs, values = pairs[kept], values[kept]
    return [(int(a), int(b)) for a, b in pairs], best


def twins(
    names: Sequence[str],
    sides: Sequence[Side],
    pairs: Sequence[tuple[int, int]],
    confused: Mapping[tuple[int, int], int],
    looked_up: Mapping[int, int],
    calibration: Calibration,
    fpir: float,
) -> Iterator[Twins]:
    """Those of the pairs that cannot be told apart, and those that were taken for each other.

    Args:
        names: of the entries.
        sides: that all images of each entry make.
        pairs: places of two entries, see ``nearest_pairs``.
        confused: how many images of the first were nearest to the second.
        looked_up: how many of each were looked up.
        calibration: of the model.
        fpir: an entry has a twin by chance in that share of galleries, as far as the calibration
            reaches: it is compared with all others.
    """

    def taken(a: int, b: int) -> float | None:
        return confused.get((a, b), 0) / looked_up[a] if looked_up.get(a) else None

    low, _ = calibration.fmr_range
    fmr = max(low, fpir / max(1, len(names) - 1))
    mutual = {
        (min(a, b), max(a, b))
        for a, b in Counter(confused)
        if min(taken(a, b) or 0.0, taken(b, a) or 0.0) >= _TAKEN
    }
    for a, b in [*pairs, *sorted(mutual - set(pairs))]:
        found = verify_sides(sides[a], sides[b], calibration, fmr=fmr)
        if found.same or (a, b) in mutual:
            yield Twins(
                names[a],
                names[b],
                found.verdict,
                found.likelihood_ratio,
                found.score,
                found.words,
                (taken(a, b), taken(b, a)),
            )


def lowest_threshold(calibration: Calibration, fpir: float, entries: int) -> float:
    """A score that no pair of entries can be "same" below, whatever its condition."""
    low, _ = calibration.fmr_range
    fmr = max(low, fpir / max(1, entries - 1))
    return min(condition.threshold(fmr) for condition in calibration.conditions.values())
