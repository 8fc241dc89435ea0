"""What a gallery knows of its own images: sides of comparisons without the image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.images.treatment import TREATMENTS, most

LOSSY = "coarse"
"""Treatment of an enrolled image with lossy compression: how fine it is, a gallery forgets."""

_AT_ONCE = 1_024  # images: one product of matrices is far quicker than one for each entry


def explained_images(
    entries: Sequence[Entry], calibration: Calibration
) -> Iterator[tuple[Explained, ...]]:
    """What processing explains of each image, entry by entry."""
    waiting: list[Entry] = []
    for place, entry in enumerate(entries, 1):
        waiting.append(entry)
        counts = [len(one.embeddings) for one in waiting]
        if sum(counts) < _AT_ONCE and place < len(entries):
            continue
        found = calibration.cohort.explain(np.concatenate([one.embeddings for one in waiting]))
        ends = np.cumsum(counts)
        yield from (found[end - count : end] for end, count in zip(ends, counts, strict=True))
        waiting = []


def enrolled_side(entry: Entry, places: Sequence[int], explained: Explained) -> Side:
    """The side that some of an entry's images make.

    Args:
        entry: of the gallery.
        places: of the images, from 0, at least one.
        explained: of that side.
    """
    chosen = list(places)
    told = [LOSSY if lossy else TREATMENTS[0] for lossy in entry.lossy[chosen]]
    told += [explained.treatment] if explained.treatment is not None else []
    windows = entry.windows[chosen]
    return Side(
        embedding=mean_embedding(entry.embeddings[chosen]),
        explained=explained.amount,
        excess=explained.excess,
        beyond=explained.beyond,
        treatment=most(told),
        windows=int(windows.min()) if windows.all() else None,
        images=len(chosen),
        voting=tuple(range(len(chosen))),
    )
