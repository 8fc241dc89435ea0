"""From images to a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from fingerprint_sdk._default import default_extractor
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.explanation.declarations import agreement_with, families_of
from fingerprint_sdk.explanation.measure import check_shape, view_of
from fingerprint_sdk.explanation.view import ImageView
from fingerprint_sdk.gallery import Gallery
from fingerprint_sdk.images import load_image
from fingerprint_sdk.reporting.document import Report
from fingerprint_sdk.reporting.probe import Origin, Probe
from fingerprint_sdk.reporting.sources import Intake, searched
from fingerprint_sdk.stream import as_iterable

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor, Images
    from fingerprint_sdk.images.quality import Quality

_PACKAGE = "fingerprint-sdk"
PICTURED = 6
"""Pictures are drawn of the first images: a page with those of hundreds opens nowhere."""


def report(
    images: Images,
    gallery: Gallery | str | os.PathLike[str] | None = None,
    *,
    known: bool = False,
    together: bool = False,
    model: Extractor | None = None,
    fpir: float | None = None,
    fnir: float | None = None,
    prior: float = 0.5,
    top: int = 8,
    on_error: Literal["skip", "raise"] = "raise",
    progress: Callable[[int], None] | None = None,
    command: str = "",
) -> Report:
    """Who made the images, as a report to attach.

    Each file is read once: what its hash is of is what was measured.

    Args:
        images: one image or an iterable of images.
        gallery: known generators, or the path of their file, whose hash is told then; None for
            the model's built-in gallery.
        known: search the built-in gallery beside ``gallery``.
        together: take all images as one probe, by one generator.
        model: the extractor; None for the gallery's, or else the default model.
        fpir, fnir, prior: see ``Extractor.identify``.
        top: number of candidates to draw.
        on_error: "skip" names an unusable image in the report; "raise" stops at it.
        progress: called with the number of images done so far.
        command: that repeats the report, to be told in it.

    Raises:
        ImageError: an image cannot be used, or none can.
        GalleryError: the gallery is empty, broken or of another model, or there is none built in.
        OperatingPointError: a rate lies outside the calibrated range, or ``prior`` is none.
    """
    if model is None:
        model = gallery.extractor if isinstance(gallery, Gallery) else default_extractor()
    model.calibration.check(fpir, fnir)
    whole, galleries = searched(gallery, known, model)
    families = families_of(whole)
    intake = Intake(keep=PICTURED)
    embedded = model.embed_many(
        intake.take(as_iterable(images)), on_error=on_error, progress=progress
    )
    if not embedded.indices:
        raise ImageError(f"none of the {len(embedded.failures)} images could be used")
    count = len(embedded.indices)
    probes = []
    for rows in [slice(0, count)] if together else [slice(i, i + 1) for i in range(count)]:
        places, quality = embedded.indices[rows], embedded.quality[rows]
        found = whole.search(
            embedded.embeddings[rows],
            model.calibration,
            quality=quality,
            fpir=fpir,
            fnir=fnir,
            prior=prior,
            top=top,
        )
        said = [intake.declarations[place] for place in places]
        probes.append(
            Probe(
                files=tuple(intake.files[place] for place in places),
                identification=found,
                declared=tuple((one, agreement_with(one, found, families)) for one in said),
                views=tuple(_views(intake, places, model, quality)),
            )
        )
    failed = [(intake.files[one.index].name, str(one.error)) for one in embedded.failures]
    origin = Origin(galleries, model.identity, version(_PACKAGE), datetime.now(UTC), command)
    return Report(tuple(probes), origin, tuple(failed))


def _views(
    intake: Intake, places: Sequence[int], model: Extractor, quality: Sequence[Quality]
) -> Iterator[ImageView]:
    """Of the images that are kept; one too thin to be drawn goes without."""
    for place, one in zip(places, quality, strict=True):
        if place < len(intake.kept):
            loaded = load_image(intake.kept[place])
            with suppress(ImageError):
                check_shape(loaded)
                name = intake.files[place].name
                yield replace(view_of(loaded, model, one, None), name=name)
