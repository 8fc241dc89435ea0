"""What makes pictures of two sides alike whoever made them, as far as their pixels show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np

from fingerprint_sdk.images.contents import SHARED, SIDE, Plane, detail, shared_cells
from fingerprint_sdk.images.decode import load_image
from fingerprint_sdk.images.pattern import SHARED_PEAK, Spectra, common_side, shared_peak, spectra
from fingerprint_sdk.images.processing import Pixels
from fingerprint_sdk.process.forks import cached_property

if TYPE_CHECKING:
    from fingerprint_sdk.images.decode import ImageInput

PAIRS = 4
"""Of pictures of two sets that are compared."""


@dataclass(frozen=True, eq=False)
class Middle:
    """The middle of a picture, which is all that is looked at.

    Attributes:
        pixels: uint8, (H, W, 3), H and W at most ``contents.SIDE``.
    """

    pixels: Pixels

    @classmethod
    def of(cls, pixels: Pixels) -> Middle:
        """That of a whole picture, uint8, (H, W, 3), as a copy."""
        top, left = (max(0, length - SIDE) // 2 for length in pixels.shape[:2])
        return cls(pixels[top : top + SIDE, left : left + SIDE].copy())

    @cached_property
    def detail(self) -> Plane:
        """See ``contents.detail``."""
        return detail(self.pixels)

    @cached_property
    def _spectra(self) -> Spectra | None:
        side = common_side(self.pixels)
        return None if side is None else spectra(self.pixels, side)

    def spectra(self, side: int) -> Spectra:
        """See ``pattern.spectra``; kept for the largest side that there is."""
        kept = self._spectra
        return kept if kept is not None and kept.shape[1] == side else spectra(self.pixels, side)


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
    if np.array_equal(a.pixels, b.pixels):
        return ()
    side = common_side(a.pixels, b.pixels)
    found = {
        "contents": shared_cells(a.detail, b.detail) >= SHARED,
        "pattern": side is not None
        and shared_peak(a.spectra(side), b.spectra(side)) >= SHARED_PEAK,
    }
    return tuple(name for name, there in found.items() if there)
