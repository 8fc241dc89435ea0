"""What happened to an image since it was generated, as far as that can be told."""

from __future__ import annotations

from fingerprint_sdk.images.quality import Quality

TREATMENTS = ("as is", "lossy", "coarse", "resized", "grey", "other")
"""What error rates are calibrated for, from least to most.

As it is; a fine lossy compression; a coarse one; another size; grey; anything else.
"""

ANY_LOSSY = ("lossy", "coarse")
"""What a lossy image may be of which nobody remembers how fine its compression was."""

FINE_JPEG = 90
"""The libjpeg quality from which a JPEG file counts as finely compressed."""


def treatment(quality: Quality | None, explained: str | None) -> str:
    """One of ``TREATMENTS``: the most that the file, its pixels or the cohort tell.

    Args:
        quality: of the image, if known.
        explained: what the cohort says of its embedding, see ``cohort.Explained``.
    """
    told = [TREATMENTS[0] if explained is None else explained]
    if quality is not None and quality.grey:
        told.append("grey")
    if quality is not None and quality.too_small:  # we enlarged it
        told.append("resized")
    if quality is not None and quality.lossy:
        fine = quality.jpeg_quality is not None and quality.jpeg_quality >= FINE_JPEG
        told.append("lossy" if fine else "coarse")
    return most(told)


def most(treatments: list[str]) -> str:
    """The last of them in the order of ``TREATMENTS``."""
    return max(treatments, key=TREATMENTS.index)
