"""Images that were enrolled twice: their embeddings are equal but for rounding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.gallery.check.findings import Duplicated
from fingerprint_sdk.gallery.entry import Entry

EQUAL = 0.9999
"""Cosine from which two embeddings are those of one picture, and differ by rounding: two pictures
by one real generator stay below 0.97."""

_ROWS, _COLUMNS = 1_024, 8_192  # compared at once: 34 MB of cosines
_SAMPLE, _STEPS = 2_000, 20  # of the search for a direction in which images differ


def duplicates(entries: Mapping[str, Entry]) -> tuple[Duplicated, ...]:
    """Groups of images with equal embeddings, within an entry or across several.

    Two equal ones lie equally far along any direction, so that along one in which images differ
    much only few need be compared.
    """
    rows = np.concatenate([entry.embeddings for entry in entries.values()])
    whose = [(name, i + 1) for name, entry in entries.items() for i in range(len(entry.lossy))]
    along = rows @ _direction(rows)
    order = np.argsort(along, kind="stable")
    reach = along[order] + np.sqrt(2 - 2 * EQUAL) + 1e-5  # of their distance; rounding
    ends = np.searchsorted(along[order], reach, side="right")
    first = np.arange(len(rows))  # of each image an equal one that came before, or itself

    def root(place: int) -> int:
        while first[place] != place:
            place = int(first[place])
        return place

    for start in range(0, len(rows), _ROWS):
        block = order[start : start + _ROWS]
        end = int(ends[min(start + _ROWS, len(rows)) - 1])
        for at in range(start, end, _COLUMNS):
            others = order[at : min(at + _COLUMNS, end)]
            equal = rows[block] @ rows[others].T > EQUAL
            # An image and itself, and every pair of a block twice: harmless.
            for column in np.flatnonzero(equal.any(axis=0)):
                one = root(int(block[int(equal[:, column].argmax())]))
                other = root(int(others[column]))
                first[max(one, other)] = min(one, other)
    groups: dict[int, list[tuple[str, int]]] = {}
    for place, image in enumerate(whose):
        groups.setdefault(root(place), []).append(image)
    return tuple(Duplicated(tuple(group)) for group in groups.values() if len(group) > 1)


def _direction(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """In which they vary most, of length 1: the first principal component of some of them."""
    some = rows[:: max(1, len(rows) // _SAMPLE)].astype(np.float64)
    some -= some.mean(axis=0)
    direction = _unit(np.asarray(np.random.default_rng(0).standard_normal(rows.shape[1])))
    for _ in range(_STEPS):
        step = some.T @ (some @ direction)
        if np.linalg.norm(step) < 1e-12:  # all are equal
            break
        direction = _unit(step)
    return direction.astype(np.float32)


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))
