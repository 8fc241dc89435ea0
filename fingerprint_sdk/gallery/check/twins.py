"""Entries that cannot be told apart: by verification, or because each is taken for the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.alike import alike, taken
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.check.findings import Twins
from fingerprint_sdk.verification import verify_sides

MOST_PAIRS = 2_000
"""Pairs of entries that are verified at most, those of the highest scores."""

_BLOCK = 512  # entries at once: 20 MB of scores with 10,000 entries


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
    background: Background,
    sides: Sequence[Side],
    pairs: Sequence[tuple[int, int]],
    confused: Iterable[tuple[int, int]],
    calibration: Calibration,
    fpir: float,
) -> Iterator[Twins]:
    """Entries of two families that cannot be told apart, the most alike first.

    Those that a verification says are the same, unless each image of both is nearer to its own
    entry; and those of which ``alike`` says so. Of many that are like each other, each with the
    one it is most like.

    Args:
        background: of the gallery.
        sides: that all images of each entry make.
        pairs: places of two entries, by falling score, see ``nearest_pairs``.
        confused: places of entries of which an image was nearest to another, and of that other.
        calibration: of the model.
        fpir: an entry has a twin by chance in that share of galleries, as far as the calibration
            reaches: it is compared with all others.
    """
    names, entries = background.names, list(background.entries.values())
    fmr = _fmr(calibration, fpir, len(names))
    candidates = dict.fromkeys([*pairs, *sorted((min(pair), max(pair)) for pair in confused)])
    told: set[int] = set()
    for a, b in candidates:
        if {a, b} <= told or background.families[a] == background.families[b]:
            continue
        shares = (taken(entries[a], entries[b]), taken(entries[b], entries[a]))
        found = verify_sides(sides[a], sides[b], calibration, fmr=fmr)
        same = found.same and shares != (0.0, 0.0)
        if same or alike(entries[a], entries[b]):
            told |= {a, b}
            yield Twins(
                names[a],
                names[b],
                found.verdict,
                found.likelihood_ratio,
                found.score,
                found.words,
                shares,
            )


def lowest_threshold(calibration: Calibration, fpir: float, entries: int) -> float:
    """A score that no pair of entries can be "same" below, whatever its condition."""
    fmr = _fmr(calibration, fpir, entries)
    return min(condition.threshold(fmr) for condition in calibration.conditions.values())


def _fmr(calibration: Calibration, fpir: float, entries: int) -> float:
    low, _ = calibration.fmr_range
    return max(low, fpir / max(1, entries - 1))
