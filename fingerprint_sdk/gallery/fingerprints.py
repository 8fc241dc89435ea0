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
        lengths: float64, shape (P,), of the mean of those images' embeddings, at most 1: the more
            alike they are, the longer.
        kinds: names of the K kinds of copies that any entry has.
        lossy: bool, shape (N,), whether most images of the entry carry lossy compression.
    """

    matrix: Embeddings
    rows: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]
    lengths: npt.NDArray[np.float64]
    kinds: tuple[str, ...]
    lossy: npt.NDArray[np.bool_]


def fingerprints_of(entries: Mapping[str, Entry]) -> Fingerprints:
    """The fingerprints of all entries; computed only of those that are new."""
    known = list(entries.values())
    kinds = tuple(dict.fromkeys(kind for entry in known for kind in entry.copies))
    counts: list[int] = []
    lengths: list[float] = []
    rows: list[list[int]] = []
    for entry in known:
        first = len(counts)
        counts += [len(entry.embeddings), *(copy.count for copy in entry.copies.values())]
        lengths += entry.lengths
        place = {kind: row for row, kind in enumerate(entry.copies, first + 1)}
        rows.append([first, *(place.get(kind, -1) for kind in kinds)])
    none = np.empty((0, 0), np.float32)
    return Fingerprints(
        matrix=np.concatenate([entry.fingerprints for entry in known]) if known else none,
        rows=np.array(rows, np.intp).reshape(len(known), 1 + len(kinds)),
        counts=np.array(counts, np.intp),
        lengths=np.array(lengths, np.float64),
        kinds=kinds,
        lossy=np.array([2 * np.count_nonzero(e.lossy) > len(e.lossy) for e in known], np.bool_),
    )
