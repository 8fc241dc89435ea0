"""A regular pattern that runs through two pictures, of a length that no decoder has.

Decoders enlarge by powers of two, so what they leave repeats by 2, 4, 8, 16 or 32 pixels. Resizing
and turning, print, paper, a screen and words in rows repeat by other lengths. Where both of two
pictures do so by the same length, they are alike whoever made them: hardly any generator does,
but one that learned from resized pictures. Equations: docs/method.md#shared-patterns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.images.contents import CLIPPED, PERIOD
from fingerprint_sdk.images.processing import Pixels

Prominence = npt.NDArray[np.float32]

LARGEST, LEAST = 512, 256
"""Pixels of a side of the square in the middle that is looked at: as many whole periods as all
pictures have. In less, nearly all frequencies are a decoder's."""

LEAKAGE = 2
"""Frequencies on either side of a decoder's own that are its, too: the window of Hann makes one
of them, and contents bend what repeats."""

LONGEST_PERIOD = 24
"""In pixels, that is looked for: longer ones are what the pictures show."""

ROUNDING = 0.5
"""Grey levels added to magnitudes before their logarithm: half of what rounding can tell."""

NEIGHBOURS = 10
"""Frequencies on either side of one, along rows and along columns, that it is compared with."""

SHARED_PEAK = 4.5
"""Times its neighbours a frequency must stand out in both pictures. Few pairs of untouched images
of real generators come near it (benchmarks/quality/patterns.py)."""


def common_square(*pictures: Pixels) -> int | None:
    """The side of the largest square that all pictures have; None below ``LEAST`` pixels."""
    side = min(min(pixels.shape[:2]) for pixels in pictures) // PERIOD * PERIOD
    return min(side, LARGEST) if side >= LEAST else None


def shared_peak(a: Prominence, b: Prominence) -> float:
    """How far one frequency stands out in both: times its neighbours, at least 0.

    Args:
        a, b: ``prominence`` of either, of one square.
    """
    return float(np.minimum(_widened(a), _widened(b)).max())


def prominence(pixels: Pixels, square: int) -> Prominence:
    """How far each frequency stands out of its neighbours: of the detail, and of its strength.

    What is laid over a picture is seen in its detail; resampling, in how strong the detail is,
    since it smooths more between the old pixels than on them.

    Args:
        pixels: uint8, (H, W, 3), H and W at least ``square``.
        square: a multiple of ``contents.PERIOD`` from ``LEAST`` to ``LARGEST``.

    Returns:
        float32, shape (3, square, square / 2 + 1), 0 where a decoder's own traces are, or slow
        ones.
    """
    top, left = ((length - square) // 2 for length in pixels.shape[:2])
    grey = pixels[top : top + square, left : left + square].astype(np.float32).mean(axis=2)
    # Second differences, of circular neighbours: the window of Hann leaves none of the border.
    down = 2 * grey - np.roll(grey, 1, 0) - np.roll(grey, -1, 0)
    right = 2 * grey - np.roll(grey, 1, 1) - np.roll(grey, -1, 1)
    detail = down + right
    limit = CLIPPED * float(np.abs(detail).mean())
    maps = np.stack(
        [
            np.clip(detail, -limit, limit),
            np.log(np.abs(detail) + ROUNDING),
            np.log(np.abs(down) + ROUNDING) + np.log(np.abs(right) + ROUNDING),
        ]
    )
    window = np.hanning(square + 1)[:-1]  # periodic
    maps = (maps - maps.mean(axis=(1, 2), keepdims=True)) * (window[:, None] * window)
    magnitude = np.abs(np.fft.fftshift(np.fft.rfft2(maps), axes=1)).astype(np.float32)
    logarithm = np.log(magnitude + np.float32(1e-6))
    around = np.maximum(_mean_around(logarithm, 1), _mean_around(logarithm, 2))
    return np.where(_looked_at(square), np.exp(logarithm - around), np.float32(0))


def _padded(values: Prominence, axis: int, before: int, after: int) -> Prominence:
    """Frequencies go on beyond the ends: down the rows, (1), all around; along them, mirrored."""
    pad = [(0, 0)] * 3
    pad[axis] = (before, after)
    return np.pad(values, pad, mode="wrap" if axis == 1 else "reflect")


def _mean_around(values: Prominence, axis: int) -> Prominence:
    """The mean of each value and its neighbours along an axis."""
    padded = _padded(values, axis, NEIGHBOURS + 1, NEIGHBOURS)
    total = np.cumsum(padded, axis=axis, dtype=np.float64)
    count, length = 2 * NEIGHBOURS + 1, values.shape[axis]
    last = np.take(total, range(count, count + length), axis)
    first = np.take(total, range(length), axis)
    return ((last - first) / count).astype(np.float32)


def _looked_at(square: int) -> npt.NDArray[np.bool_]:
    """Where no decoder leaves anything, (square, square / 2 + 1)."""
    down = np.abs(np.arange(-square // 2, square // 2))[:, None]
    right = np.arange(square // 2 + 1)[None]
    step = square // PERIOD
    of_a_decoder = [np.minimum(f % step, -f % step) <= LEAKAGE for f in (down, right)]
    slow = np.hypot(down, right) <= square / LONGEST_PERIOD
    return ~(of_a_decoder[0] & of_a_decoder[1]) & ~slow


def _widened(peaks: Prominence) -> Prominence:
    """The largest of each value and its eight neighbours: sizes are rounded to pixels."""
    for axis in (1, 2):
        padded = _padded(peaks, axis, 1, 1)
        shifted = [np.take(padded, np.arange(peaks.shape[axis]) + shift, axis) for shift in (0, 2)]
        peaks = np.maximum(peaks, np.maximum(*shifted))
    return peaks
