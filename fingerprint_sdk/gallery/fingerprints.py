"""What a gallery is searched by: the fingerprints of its entries, and of their copies by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import Embeddings
from fingerprint_sdk.gallery.entry import Entry


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """The fingerprints of N entries, each of the images as enrolled and of some kinds of copies.

    Attributes:
        matrix: float32, shape (P, D), L2-normalised, entry by entry.
        rows: int, shape (N, 1 + K), which row of ``matrix`` is the entry's fingerprint of its
            images as enrolled, and of each kind; -1 where it has none of that kind.
        counts: int, shape (P,), how many images each row is the mean of.
        kinds: names of the K kinds of copies that any entry has.
        lossy: bool, shape (N,), whether most images of the entry carry lossy compression.
    """

    matrix: Embeddings
    rows: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]
    kinds: tuple[str, ...]
    lossy: npt.NDArray[np.bool_]


def fingerprints_of(entries: Mapping[str, Entry]) -> Fingerprints:
    """The fingerprints of all entries; computed only of those that are new."""
    known = list(entries.values())
    kinds = tuple(dict.fromkeys(kind for entry in known for kind in entry.copies))
    place = {kind: index for index, kind in enumerate(kinds, 1)}
    rows = np.full((len(known), 1 + len(kinds)), -1, np.intp)
    counts: list[int] = []
    for number, entry in enumerate(known):
        filled = [0, *(place[kind] for kind in entry.copies)]
        rows[number, filled] = len(counts) + np.arange(len(filled))
        counts += [len(entry.embeddings), *(copy.count for copy in entry.copies.values())]
    none = np.empty((0, 0), np.float32)
    return Fingerprints(
        matrix=np.concatenate([entry.fingerprints for entry in known]) if known else none,
        rows=rows,
        counts=np.array(counts, np.intp),
        kinds=kinds,
        lossy=np.array([entry.lossy.mean() > 0.5 for entry in known], np.bool_),
    )
