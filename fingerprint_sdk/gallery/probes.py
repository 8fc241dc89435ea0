"""Many images, each a probe by itself or all one probe, to answers of a gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fingerprint_sdk.gallery.gallery import Gallery
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.results import EmbeddingResult

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor


def search_probes(
    gallery: Gallery,
    extractor: Extractor,
    embedded: EmbeddingResult,
    *,
    together: bool,
    fpir: float | None,
    fnir: float | None,
    prior: float,
    top: int,
) -> list[tuple[tuple[int, ...], Identification]]:
    """Places of its images in the input, and the answer, of each probe.

    Args:
        gallery: of the extractor's model.
        extractor: that embedded the images.
        embedded: the images that could be used, at least one.
        together: all images are one probe; else each is one.
        fpir, fnir, prior, top: see ``Extractor.identify``.

    Raises:
        GalleryError: the gallery is empty.
        OperatingPointError: a rate lies outside the calibrated range.
    """
    count = len(embedded.indices)
    probes = [slice(0, count)] if together else [slice(i, i + 1) for i in range(count)]
    return [
        (
            embedded.indices[probe],
            gallery.search(
                embedded.embeddings[probe],
                extractor.calibration,
                quality=embedded.quality[probe],
                fpir=fpir,
                fnir=fnir,
                prior=prior,
                top=top,
            ),
        )
        for probe in probes
    ]
