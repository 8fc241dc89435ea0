"""How like the entries of a gallery are to each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.alike import own_cosines
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.check.result import Confusion

MOST_SHOWN = 40
"""Entries in the picture at most; more cannot be read."""


def confusion(
    background: Background,
    sides: Sequence[Side],
    images: Sequence[Sequence[Explained]],
    best: npt.NDArray[np.float64],
) -> Confusion:
    """Mean scores of each entry's images with each entry.

    Args:
        background: of the gallery, N entries.
        sides: that all images of each entry make.
        images: what processing explains of each image of each entry.
        best: score of each with the entry it is most like, (N,).
    """
    entries, names = list(background.entries.values()), background.names
    shown = np.sort(np.argsort(-best, kind="stable")[:MOST_SHOWN])
    fingerprints = np.stack([entries[place].fingerprint for place in shown])
    explained = np.array([sides[place].explained for place in shown])
    single = np.array([np.mean([one.amount for one in images[place]]) for place in shown])
    means = np.stack([entries[place].embeddings.mean(axis=0) for place in shown])
    scores = means @ fingerprints.T - single[:, None] - explained
    rows: list[tuple[float | None, ...]] = []
    for row, place in enumerate(shown):
        own = entries[place]
        values: list[float | None] = [float(value) for value in scores[row]]
        values[row] = None
        if len(own.embeddings) > 1:
            values[row] = float(own_cosines(own).mean() - single[row] - explained[row])
        rows.append(tuple(values))
    return Confusion(tuple(names[place] for place in shown), tuple(rows))
