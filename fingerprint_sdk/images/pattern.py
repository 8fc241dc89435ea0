"""A regular pattern that two pictures share and no generator leaves.

Decoders enlarge by powers of two, so what they leave repeats by 2, 4, 8 or 16 pixels. Resizing and
turning, print, paper, a screen and words in rows repeat by other lengths. Where both of two
pictures do so by the same length, they are alike whoever made them.
Equations: docs/method.md#shared-patterns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.images.processing import Pixels

Spectra = npt.NDArray[np.float32]

SIDES = (512, 256, 128)
"""Pixels of a side of the square in the middle that is looked at, the largest that there is."""

PERIOD = 16
"""Pixels by which a decoder's traces repeat, or a divisor of it."""

WIDTH = 2
"""Frequencies on either side of one that its energy spreads over, by the window of Hann."""

SLOWEST = 24
"""Pixels of the longest period that is looked for: longer ones are what the pictures show."""

CLIPPED = 4.0
"""Times its mean magnitude the residual counts at most, so that no single edge decides."""

LEVEL = 0.5
"""Grey levels added to magnitudes before their logarithm: half of what rounding can tell."""

AROUND = 10
"""Frequencies on either side of one, along rows and along columns, that it is compared with."""

SHARED_PEAK = 5.0
"""Times its surroundings a frequency must stand out in both pictures. Of untouched images of real
generators hardly any two reach 4 but where somebody resized them, or what they learned from
(benchmarks/quality/patterns.py)."""


def common_side(*pictures: Pixels) -> int | None:
    """The largest of ``SIDES`` that all pictures have; None if one is smaller than any."""
    least = min(min(pixels.shape[:2]) for pixels in pictures)
    return next((side for side in SIDES if side <= least), None)


def shared_peak(a: Spectra, b: Spectra) -> float:
    """How far one frequency stands out in both: times its surroundings, at least 0.

    Args:
        a, b: ``spectra`` of either, of one side.
    """
    return float(np.minimum(_widened(a), _widened(b)).max())


def spectra(pixels: Pixels, side: int) -> Spectra:
    """How far each frequency stands out of its surroundings: of the residual, and of its size.

    What is laid over a picture is seen in its residual; resampling, in how large the residual is,
    since it smooths more between the old pixels than on them.

    Args:
        pixels: uint8, (H, W, 3), H and W at least ``side``.
        side: one of ``SIDES``.

    Returns:
        float32, shape (3, side, side / 2 + 1), 0 where a decoder's own traces are, or slow ones.
    """
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    grey = pixels[top : top + side, left : left + side].astype(np.float32).mean(axis=2)
    # Second differences, of circular neighbours: the window of Hann leaves none of the border.
    down = 2 * grey - np.roll(grey, 1, 0) - np.roll(grey, -1, 0)
    right = 2 * grey - np.roll(grey, 1, 1) - np.roll(grey, -1, 1)
    residual = down + right
    limit = CLIPPED * float(np.abs(residual).mean())
    maps = np.stack(
        [
            np.clip(residual, -limit, limit),
            np.log(np.abs(residual) + LEVEL),
            np.log(np.abs(down) + LEVEL) + np.log(np.abs(right) + LEVEL),
        ]
    )
    window = np.hanning(side)
    maps = (maps - maps.mean(axis=(1, 2), keepdims=True)) * (window[:, None] * window)
    magnitude = np.abs(np.fft.fftshift(np.fft.rfft2(maps), axes=1)).astype(np.float32)
    logarithm = np.log(magnitude + np.float32(1e-6))
    around = np.maximum(_mean_around(logarithm, 1), _mean_around(logarithm, 2))
    return np.where(_looked_at(side), np.exp(logarithm - around), np.float32(0))


def _mean_around(values: Spectra, axis: int) -> Spectra:
    """The mean of each value's neighbours along an axis, mirrored at the ends."""
    pad = [(0, 0)] * 3
    pad[axis] = (AROUND + 1, AROUND)
    total = np.cumsum(np.pad(values, pad, mode="reflect"), axis=axis, dtype=np.float64)
    count, length = 2 * AROUND + 1, values.shape[axis]
    last = np.take(total, range(count, count + length), axis)
    first = np.take(total, range(length), axis)
    return ((last - first) / count).astype(np.float32)


def _looked_at(side: int) -> npt.NDArray[np.bool_]:
    """Where no decoder leaves anything, (side, side / 2 + 1)."""
    down = np.abs(np.arange(-side // 2, side // 2))[:, None]
    right = np.arange(side // 2 + 1)[None]
    step = side // PERIOD
    of_a_decoder = [np.minimum(f % step, -f % step) <= WIDTH for f in (down, right)]
    return ~(of_a_decoder[0] & of_a_decoder[1]) & (np.hypot(down, right) > side / SLOWEST)


def _widened(peaks: Spectra) -> Spectra:
    """The largest of each value and its eight neighbours: sizes are rounded to pixels."""
    for axis in (1, 2):
        peaks = np.maximum(peaks, np.maximum(np.roll(peaks, 1, axis), np.roll(peaks, -1, axis)))
    return peaks
