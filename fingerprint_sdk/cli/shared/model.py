"""Opening the extractor the options describe, and running it over image files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.cli.shared.files import check_new
from fingerprint_sdk.cli.shared.options import DeviceChoice, OnError
from fingerprint_sdk.cli.shared.output import note, progress
from fingerprint_sdk.cli.shared.place import Place
from fingerprint_sdk.documents import describe, probes_document, skipped
from fingerprint_sdk.errors import ImageError

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import EmbeddingResult, Extractor
    from fingerprint_sdk.gallery import Entry, Gallery
__all__ = [
    "BUILT_IN",
    "check_rates",
    "describe",
    "embed_files",
    "open_extractor",
    "open_gallery",
    "probes_document",
    "put_entry",
    "searched_gallery",
    "skipped",
    "usable",
]

BUILT_IN = "the built-in gallery"


def open_extractor(
    model: str | None,
    revision: str | None,
    device: DeviceChoice,
    offline: bool,
    threads: int | None,
    windows: int | None = None,
) -> Extractor:
    """``fingerprint_sdk.load`` with the options of a command."""
    from fingerprint_sdk.extractor import load

    return load(
        model,
        revision=revision,
        device=device.value,
        offline=offline,
        threads=threads,
        windows=windows,
    )


def check_rates(
    extractor: Extractor, fmr: float | None, fnmr: float | None = None, prior: float = 0.5
) -> None:
    """Raise OperatingPointError for an uncalibrated rate, before the images are embedded.

    The rates of a gallery, FPIR and FNIR, lie in the same range.
    """
    from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, probability

    extractor.calibration.check(fmr, fnmr)
    probability(NO_EVIDENCE, prior)


def embed_files(
    extractor: Extractor, paths: Sequence[Path], on_error: OnError, what: str = "embedding"
) -> EmbeddingResult:
    """Embed image files with a progress bar; skipped ones are reported on stderr.

    Raises:
        ImageError: an image cannot be used and ``on_error`` is to stop, or none can be used.
    """
    with progress(len(paths), what) as moved:
        result = extractor.embed_many(paths, on_error=on_error.value, progress=moved)
    for failure in result.failures:
        note(f"skipped: {failure.error}")
    if not result.indices:
        raise ImageError(f"none of the {len(paths)} images could be used")
    return result


def open_gallery(place: Path | Place, extractor: Extractor, *, create: bool = False) -> Gallery:
    """The gallery at ``place``, or with ``create`` a new one where there is none.

    Raises:
        GalleryError: it is missing, broken, or of another model.
    """
    from fingerprint_sdk.gallery import Gallery

    if isinstance(place, Place) and place.store is not None:
        if create and place.store.model() is None:
            note(f"making the new gallery {place}")
            return Gallery(extractor)
        return Gallery(extractor, content=place.store.load())
    path = place.path if isinstance(place, Place) else place
    if create:
        check_new(path)
    if create and not os.path.exists(path):
        note(f"making the new gallery {path}")
        return Gallery(extractor)
    return Gallery.load(path, extractor)


def put_entry(
    place: Place, extractor: Extractor, name: str, entry: Entry, notes: str | None
) -> Entry:
    """Add an entry to the gallery at ``place``; as it is kept then, see ``Gallery.enroll``.

    Raises:
        GalleryError: the gallery is broken or of another model, or cannot be changed.
    """
    from fingerprint_sdk.gallery import Gallery

    if place.store is None:
        with Gallery.changing(place.path, extractor, create=True) as gallery:
            gallery.enroll(name, entry, notes=notes)
        return gallery[name]
    kept, _ = place.store.put(name, entry, extractor.identity, notes=notes)
    return kept


def searched_gallery(path: Path | Place | None, extractor: Extractor, *, known: bool) -> Gallery:
    """The built-in gallery where there is no ``path``; else that one, or with ``known`` both.

    Raises:
        GalleryError: a gallery is missing, broken, or of another model, or both have an entry of
            one name.
    """
    from fingerprint_sdk.gallery import known as built_in

    if path is None:
        return built_in(extractor)
    gallery = open_gallery(path, extractor)
    if known:
        gallery.merge(built_in(extractor))
    return gallery


def usable(paths: Sequence[Path], on_error: OnError) -> tuple[list[Path], list[dict[str, Any]]]:
    """The images that can be enrolled, and for JSON documents those that cannot.

    With ``on_error`` to stop, all are let through: enrolling raises at the first bad one.
    """
    if on_error is OnError.stop:
        return list(paths), []
    from fingerprint_sdk.images import load_image, windows
    from fingerprint_sdk.images.quality import assess, no_fingerprint

    good: list[Path] = []
    bad: list[dict[str, Any]] = []
    for path in paths:
        try:
            image = load_image(path)
            if why := no_fingerprint(assess(image, windows(image.pixels))):
                raise ImageError(f"{image.name} {why} to enroll")
            good.append(path)
        except ImageError as error:
            note(f"skipped: {error}")
            bad.append({"path": str(path), "error": str(error)})
    if not good:
        raise ImageError(f"none of the {len(paths)} images could be used")
    return good, bad
