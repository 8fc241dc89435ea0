"""What makes pictures of two sides alike whoever made them, as far as their pixels show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

from fingerprint_sdk.images.contents import SHARED, Plane, detail, shared_cells
from fingerprint_sdk.images.decode import load_image
from fingerprint_sdk.images.pattern import (
    SHARED_PEAK,
    Prominence,
    common_square,
    prominence,
    shared_peak,
)
from fingerprint_sdk.images.processing import Pixels
from fingerprint_sdk.images.quality import pixel_digest
from fingerprint_sdk.process.forks import cached_property

if TYPE_CHECKING:
    from fingerprint_sdk.images.decode import ImageInput

SIDE = 1024
"""Pixels of a side that are looked at, in the middle: more would only cost time."""

PAIRS = 4
"""Of pictures of two sets that are compared."""


@dataclass(frozen=True, eq=False)
class Middle:
    """The middle of a picture, which is all that is looked at.

    Attributes:
        pixels: uint8, (H, W, 3), H and W at most ``SIDE``.
        digest: of the whole picture, see ``Quality.digest``.
    """

    pixels: Pixels
    digest: str

    @classmethod
    def of(cls, pixels: Pixels) -> Middle:
        """That of a whole picture, uint8, (H, W, 3), as a copy."""
        top, left = (max(0, length - SIDE) // 2 for length in pixels.shape[:2])
        middle = pixels[top : top + SIDE, left : left + SIDE].copy()
        return cls(middle, pixel_digest(pixels))

    @cached_property
    def detail(self) -> Plane:
        """See ``contents.detail``."""
        return detail(self.pixels)

    @cached_property
    def _prominence(self) -> Prominence | None:
        square = common_square(self.pixels)
        return None if square is None else prominence(self.pixels, square)

    def prominence(self, square: int) -> Prominence:
        """See ``pattern.prominence``; kept for the largest square that there is."""
        kept = self._prominence
        if kept is not None and kept.shape[1] == square:
            return kept
        return prominence(self.pixels, square)


def coincidences(a: Sequence[ImageInput], b: Sequence[ImageInput]) -> tuple[str, ...]:
    """Reasons why two sides may be alike whoever made them: "contents", "pattern".

    A reason holds for two sets where it does for half of the pairs of pictures that are looked at.

    Args:
        a, b: inputs of ``load_image``, at least one each; the first ``PAIRS`` of them are
            compared, one with one.

    Raises:
        ImageError: an image cannot be used.
    """
    count = min(PAIRS, max(len(a), len(b)))
    sides = [[Middle.of(load_image(image).pixels) for image in side[:PAIRS]] for side in (a, b)]
    pairs = zip(islice(cycle(sides[0]), count), islice(cycle(sides[1]), count), strict=True)
    found = [name for left, right in pairs for name in coincidences_of(left, right)]
    return tuple(sorted(name for name in set(found) if 2 * found.count(name) >= count))


def coincidences_of(a: Middle, b: Middle) -> tuple[str, ...]:
    """``coincidences`` of two pictures.

    A picture that stands on both sides is no evidence of anything else, and is let pass.
    """
    if a.digest == b.digest:
        return ()
    square = common_square(a.pixels, b.pixels)
    found = {
        "contents": shared_cells(a.detail, b.detail) >= SHARED,
        "pattern": square is not None
        and shared_peak(a.prominence(square), b.prominence(square)) >= SHARED_PEAK,
    }
    return tuple(name for name, there in found.items() if there)
