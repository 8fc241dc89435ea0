"""Whether two entries of a gallery can be told apart: siblings often cannot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.gallery.entry import Entry

TAKEN = 0.25
"""Share of each one's images that must be nearer to the other: half of what chance makes of two
entries of one generator. With a smaller one, image-to-image networks that are only like each other
would count, and strangers would be named more than twice as often as asked."""


def alike(a: Entry, b: Entry) -> bool:
    """Whether ``TAKEN`` of each one's images, or more, are nearer to the other than to its own."""
    shares = (taken(a, b), taken(b, a))
    return all(share is not None and share >= TAKEN for share in shares)


def taken(entry: Entry, other: Entry) -> float | None:
    """Share of an entry's images that are nearer to another entry than to its other images.

    None of an entry of one image.
    """
    if len(entry.embeddings) < 2:
        return None
    return float((entry.embeddings @ other.fingerprint > own_cosines(entry)).mean())


def own_cosines(entry: Entry) -> npt.NDArray[np.float64]:
    """Cosine of each of n >= 2 images with the mean of the others, shape (n,)."""
    rows = entry.embeddings.astype(np.float64)
    rest = rows.sum(axis=0) - rows
    lengths = np.maximum(np.linalg.norm(rest, axis=1), 1e-12)
    return np.asarray((rows * rest).sum(axis=1) / lengths)
