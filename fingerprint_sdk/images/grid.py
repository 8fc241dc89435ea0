"""Pixels to the windows a fingerprint is taken from (paper, "Sliding Window")."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

WINDOW_SIZE = 128
"""Side of a window, in pixels (paper, IV-A: training resolution)."""

WINDOWS_PER_AXIS = 3
"""Equally spaced window positions on each axis (paper, Table VII); one more on a long one."""

WINDOW_GRID = 8
"""Windows start on multiples of this, in pixels."""


def window_positions(side: int, count: int | None = None) -> list[int]:
    """Offsets of the windows on an axis of ``side`` >= 128 pixels: equally spaced.

    At most ``count``, a single one in the middle; without it 3, and 4 where they fit side by side,
    from 512 pixels on: there a fourth shows pixels that the others do not. All are multiples of 8,
    the grid of JPEG and of most decoders.
    """
    if count is None:
        count = WINDOWS_PER_AXIS + (side >= (WINDOWS_PER_AXIS + 1) * WINDOW_SIZE)
    room = (side - WINDOW_SIZE) / WINDOW_GRID
    spaced = np.linspace(0, room, count) if count > 1 else np.array([room / 2])
    places = np.unique(np.minimum(np.round(spaced), room // 1))
    return [int(place) * WINDOW_GRID for place in places]


def at_least_a_window(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture that windows are cut from: a side shorter than 128 pixels is resized to 128.

    Bicubically, and on that axis only. Shape (height, width, 3), both ways.
    """
    height, width = pixels.shape[:2]
    if min(height, width) >= WINDOW_SIZE:
        return pixels
    size = (max(width, WINDOW_SIZE), max(height, WINDOW_SIZE))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def windows(pixels: npt.NDArray[np.uint8], per_axis: int | None = None) -> npt.NDArray[np.uint8]:
    """Cut the windows a fingerprint is averaged over (paper, "Sliding Window").

    They are cut from ``at_least_a_window(pixels)``.

    Equations: docs/method.md#windows.

    Args:
        pixels: uint8, shape (height, width, 3), RGB.
        per_axis: at most so many on each axis, from 1; as a fingerprint takes them by default.

    Returns:
        uint8, shape (n, 3, 128, 128), n from 1 to 16 by default, in reading order.
    """
    pixels = at_least_a_window(pixels)
    height, width = pixels.shape[:2]
    crops = [
        pixels[top : top + WINDOW_SIZE, left : left + WINDOW_SIZE].transpose(2, 0, 1)
        for top in window_positions(height, per_axis)
        for left in window_positions(width, per_axis)
    ]
    return np.stack(crops)
