"""From images, or their embeddings, to an entry of a gallery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_embeddings
from fingerprint_sdk.errors import GalleryError, ImageError
from fingerprint_sdk.gallery.entry import CopyMean, Entry
from fingerprint_sdk.images.copies import bank, copy_of
from fingerprint_sdk.images.decode import LoadedImage, load_image
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.results import Embeddings
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
    quality: tuple[Quality, ...]
    kept: Mapping[str, CopyMean] = {}
    if _is_embeddings(images):
        embeddings, quality = np.atleast_2d(np.asarray(images, dtype=np.float32)), ()
    elif copies:
        embeddings, quality, kept = _with_copies(extractor, images)
    else:
        embeddings, quality = extractor.embed_with_quality(images)
    for index, one in enumerate(quality):
        if one.flat:
            raise ImageError(f"image {index} of {name!r} is flat: it has no fingerprint to enroll")
    if len(embeddings) == 0:
        raise GalleryError(f"no images were given for {name!r}")
    check_embeddings(embeddings, extractor.embedding_size, f"embeddings of {name!r}")
    lossy = np.array([bool(q.lossy) for q in quality] or [False] * len(embeddings))
    windows = np.array([q.windows for q in quality] or [0] * len(embeddings), np.int32)
    return Entry(embeddings, lossy, windows, notes, kept), quality


def _with_copies(
    extractor: Extractor, images: Images
) -> tuple[Embeddings, tuple[Quality, ...], Mapping[str, CopyMean]]:
    """Embeddings and quality of the images, and the means of their copies by kind."""
    kinds = bank()

    def all_of_them() -> Iterator[LoadedImage]:
        for image in as_iterable(images):
            loaded = load_image(image)
            yield loaded
            yield from (copy_of(loaded, kind) for kind in kinds)

    rows, quality = extractor.embed_with_quality(all_of_them())
    each = 1 + len(kinds)
    means = {}
    for place, kind in enumerate(kinds, 1):
        # What a codec made flat has no fingerprint. An image that was flat before is refused.
        seen = [not one.flat for one in quality[place::each]]
        if any(seen):
            means[kind.name] = CopyMean.of(rows[place::each][seen])
    return rows[::each], quality[::each], means


def _is_embeddings(images: object) -> TypeGuard[npt.NDArray[np.floating]]:
    return (
        isinstance(images, np.ndarray)
        and np.issubdtype(images.dtype, np.floating)
        and images.ndim <= 2
    )
