"""From images, or their embeddings, to an entry of a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embedding import float_rows, is_embeddings
from fingerprint_sdk.embeddings_file import check_embeddings
from fingerprint_sdk.errors import GalleryError, ImageError
from fingerprint_sdk.gallery.entry import CopyMean, Entry, Provenance
from fingerprint_sdk.images.copies import bank, copy_of
from fingerprint_sdk.images.decode import LoadedImage, load_image
from fingerprint_sdk.images.processing import Kind
from fingerprint_sdk.images.quality import Quality, no_fingerprint, pixel_digest
from fingerprint_sdk.results import Embeddings
from fingerprint_sdk.stream import as_iterable

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor, Images


def new_entry(
    extractor: Extractor,
    name: str,
    images: Images | npt.NDArray[np.floating] | Entry,
    notes: str | None,
    *,
    copies: bool,
    provenance: Provenance | None = None,
) -> tuple[Entry, tuple[Quality, ...]]:
    """The entry, and the quality of each image; see ``Gallery.enroll``.

    A picture given twice is enrolled once.
    """
    if notes is not None and not isinstance(notes, str):
        raise GalleryError(f"the notes of {name!r} must be text, not {type(notes).__name__}")
    if isinstance(images, Entry):
        check_embeddings(images.embeddings, extractor.embedding_size, f"embeddings of {name!r}")
        if notes is not None:
            images = replace(images, notes=notes)
        return images if provenance is None else replace(images, provenance=provenance), ()
    quality: tuple[Quality, ...] = ()
    places: list[int] = []  # of each image given, among the different ones
    kept: Mapping[str, CopyMean] = {}
    if is_embeddings(images):
        embeddings = float_rows(images)
    else:
        kinds = bank() if copies else ()
        wanted = _with_copies(_different(images, places), kinds)
        rows, found = extractor.embed_with_quality(wanted)
        each = 1 + len(kinds)
        embeddings, quality = rows[::each], found[::each]
        kept = _means(rows, found, kinds)
    for index, place in enumerate(places):
        if why := no_fingerprint(quality[place]):
            raise ImageError(f"image {index} of {name!r} {why} to enroll")
    if len(embeddings) == 0:
        raise GalleryError(f"no images were given for {name!r}")
    check_embeddings(embeddings, extractor.embedding_size, f"embeddings of {name!r}")
    lossy = np.array([bool(q.lossy) for q in quality] or [False] * len(embeddings))
    windows = np.array([q.windows for q in quality] or [0] * len(embeddings), np.int32)
    entry = Entry(embeddings, lossy, windows, notes or "", kept, provenance)
    return entry, tuple(quality[place] for place in places)


def _different(images: Images, places: list[int]) -> Iterator[LoadedImage]:
    """The different pictures among the images; ``places`` gets the number of each image's."""
    seen: dict[str, int] = {}
    for image in as_iterable(images):
        loaded = load_image(image)
        digest = pixel_digest(loaded.pixels)
        new = digest not in seen
        places.append(seen.setdefault(digest, len(seen)))
        if new:
            yield loaded


def _with_copies(images: Iterable[LoadedImage], kinds: Sequence[Kind]) -> Iterator[LoadedImage]:
    for image in images:
        yield image
        yield from (copy_of(image, kind) for kind in kinds)


def _means(
    rows: Embeddings, quality: Sequence[Quality], kinds: Sequence[Kind]
) -> Mapping[str, CopyMean]:
    """Of the copies of each kind; an image and its copies stand one behind the other."""
    each = 1 + len(kinds)
    means = {}
    for place, kind in enumerate(kinds, 1):
        # What a codec made flat has no fingerprint. An image that was flat before is refused.
        seen = [not one.flat for one in quality[place::each]]
        if any(seen):
            means[kind.name] = CopyMean.of(rows[place::each][seen])
    return means
