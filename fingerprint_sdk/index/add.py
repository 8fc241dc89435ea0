"""From embedded images to rows of an index; those of which nothing can be said are left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.quality import Quality, no_fingerprint
from fingerprint_sdk.index.rows import Rows, mark_of
from fingerprint_sdk.results import EmbeddingResult, Failure


def new_rows(
    result: EmbeddingResult,
    names: Sequence[str],
    stamps: Sequence[tuple[int, int]],
    *,
    half: bool,
) -> tuple[Rows, list[Failure]]:
    """The rows to add, and the images of which nothing can be said.

    Args:
        result: of embedding the images.
        names, stamps: of every image, the failed ones too.
        half: keep float16, so that scores are the same before and after saving.
    """
    good = [
        row
        for row, quality in enumerate(result.quality)
        if result.embeddings[row].any() and not quality.unfit
    ]
    kept = set(good)
    unfit = [
        Failure(place, ImageError(f"{names[place]!r} {_why(result.quality[row])}"))
        for row, place in enumerate(result.indices)
        if row not in kept
    ]
    places = [result.indices[row] for row in good]
    embeddings = result.embeddings[good]
    if half:
        embeddings = embeddings.astype(np.float16)
    rows = Rows(
        tuple(names[place] for place in places),
        (embeddings,),
        np.array([mark_of(result.quality[row]) for row in good], np.uint8),
        np.array([stamps[place] for place in places], np.int64).reshape(-1, 2),
    )
    return rows, unfit


def _why(quality: Quality) -> str:
    if quality.unfit == "untypical":
        return "is untypical: its fingerprint is like nothing the model was calibrated for"
    # Windows that cancel out give a zero embedding, as good as flat.
    return f"{no_fingerprint(quality) or 'is flat: it has no fingerprint'} to index"
