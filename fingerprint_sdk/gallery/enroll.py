"""From images, or their embeddings, to an entry of a gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_embeddings
from fingerprint_sdk.errors import GalleryError, ImageError
from fingerprint_sdk.gallery.file import Entry
from fingerprint_sdk.images.copies import KINDS, with_copies
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.stream import as_iterable

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor, Images


def new_entry(
    extractor: Extractor,
    name: str,
    images: Images | npt.NDArray[np.floating],
    notes: str,
    *,
    copies: bool,
) -> tuple[Entry, tuple[Quality, ...]]:
    """The entry, and the quality of each image; see ``Gallery.enroll``."""
    kept: dict[str, npt.NDArray[np.float32]] = {}
    if _is_embeddings(images):
        if copies:
            raise GalleryError(f"embeddings of {name!r} have no copies: give the images")
        embeddings = np.atleast_2d(np.asarray(images, dtype=np.float32))
        quality: tuple[Quality, ...] = ()
    else:
        wanted = with_copies(as_iterable(images)) if copies else images
        embeddings, quality = extractor.embed_with_quality(wanted)
        if copies:
            each = 1 + len(KINDS)
            kept = {kind: embeddings[i::each] for i, kind in enumerate(KINDS, 1)}
            embeddings, quality = embeddings[::each], quality[::each]
        for index, one in enumerate(quality):
            if one.flat:
                raise ImageError(
                    f"image {index} of {name!r} is flat: it has no fingerprint to enroll"
                )
    if len(embeddings) == 0:
        raise GalleryError(f"no images were given for {name!r}")
    for rows in (embeddings, *kept.values()):
        check_embeddings(rows, extractor.embedding_size, f"embeddings of {name!r}")
    lossy = np.array([bool(q.lossy) for q in quality] or [False] * len(embeddings))
    return Entry(embeddings, lossy, notes, kept), quality


def _is_embeddings(images: object) -> TypeGuard[npt.NDArray[np.floating]]:
    return (
        isinstance(images, np.ndarray)
        and np.issubdtype(images.dtype, np.floating)
        and images.ndim <= 2
    )
