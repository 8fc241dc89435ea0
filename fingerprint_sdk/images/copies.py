"""What an image may have become since: copies of it, each processed in one way.

A published image is seldom the file that its generator wrote. Its own recompressed or shrunk copy
is far nearer to it than the original is. So a gallery keeps copies of what it knows, and a
comparison of two images brings both to the same processing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.decode import LoadedImage, load_image
from fingerprint_sdk.images.grid import WINDOW_GRID, WINDOW_SIZE
from fingerprint_sdk.images.processing import (
    Avif,
    Chain,
    Jpeg,
    JpegTables,
    Kind,
    Pixels,
    Scale,
    WebP,
    available,
    resized,
)

if TYPE_CHECKING:
    from fingerprint_sdk.images.quality import Quality

BANK: tuple[Kind, ...] = (
    *(Scale(factor) for factor in (0.5, 0.6, 0.7, 0.8, 0.9, 1.25, 1.5, 2.0)),
    *(Jpeg(quality, "4:2:0") for quality in (95, 85, 75, 60)),
    *(Jpeg(quality, "4:4:4") for quality in (95, 85, 75)),
    *(WebP(quality) for quality in (95, 80)),
    *(Avif(quality) for quality in (80, 60)),
    *(Chain(Scale(factor), Jpeg(80, "4:2:0")) for factor in (0.6, 0.8)),
)
"""The kinds of copies that a gallery keeps (benchmarks/quality/copies.py says what each finds)."""

COPY_SIDE = 512
"""Only the middle of an image is copied, so that a copy has at most this side: 16 windows. A copy
of a larger image then costs no more than one of 512 px."""


def copy_of(image: LoadedImage, kind: Kind) -> LoadedImage:
    """The copy of an image that a gallery keeps.

    One smaller than a window is enlarged to it, as such a probe is (``images.windows``).
    """
    copy = kind.apply(_middle(image.pixels, COPY_SIDE / resized(kind)))
    return LoadedImage(copy, f"{image.name} as {kind.name}")


def bank() -> tuple[Kind, ...]:
    """Those of ``BANK`` that this Pillow can do."""
    return tuple(kind for kind in BANK if available(kind))


def lossy_kind(quality: Quality) -> Kind | None:
    """The codec that an image went through, as far as its file tells.

    A JPEG file says it exactly. Of lossy WebP and AVIF the quality is not known: the encoders'
    usual one, 80 and 60, is taken.

    Returns:
        None for an image without lossy compression, or of a codec not known.
    """
    if not quality.lossy:
        return None
    if quality.jpeg_tables:
        return JpegTables(quality.jpeg_tables, quality.subsampling or "4:4:4")
    if quality.format == "WEBP":
        return WebP(80)
    return Avif(60) if quality.format == "AVIF" else None


def like(kinds: Sequence[Kind], images: Iterable[object]) -> Iterator[LoadedImage]:
    """Each image processed as others were, so that both sides of a comparison are alike.

    Args:
        kinds: what the other side's images went through (``lossy_kind``), at least one; where
            there are several, each image takes the next in turn.
        images: inputs of ``load_image``.

    Raises:
        ImageError: an image cannot be used, or is too large for the codec.
    """
    for image, kind in zip(images, cycle(kinds), strict=False):
        loaded = load_image(image)  # type: ignore[arg-type]
        try:
            pixels = kind.apply(loaded.pixels)
        except (OSError, ValueError) as error:
            raise ImageError(
                f"{loaded.name} cannot be compared as {kind.name}: crop it ({error})"
            ) from error
        yield LoadedImage(pixels, f"{loaded.name} as {kind.name}")


def _middle(pixels: Pixels, side: float) -> Pixels:
    """The middle of an image, at most ``side`` pixels long each way, where its windows start."""
    size = max(WINDOW_SIZE, round(side))
    top, left = (
        max(0, (length - size) // 2) // WINDOW_GRID * WINDOW_GRID for length in pixels.shape[:2]
    )
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])
