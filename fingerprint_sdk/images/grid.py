"""Pixels to the windows a fingerprint is taken from (paper, "Sliding Window")."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

WINDOW_SIZE = 128
"""Side of a window, in pixels (paper, IV-A: training resolution)."""

WINDOWS_PER_AXIS = 3
"""Window positions on an axis of less than 512 pixels (paper, Table VII)."""

WINDOW_GRID = 8
"""Windows start on multiples of this, in pixels."""

WINDOW_BUDGET = 64
"""Windows of an image at most, unless asked otherwise: they cover 1024x1024 pixels."""


def window_grid(
    height: int, width: int, budget: int = WINDOW_BUDGET
) -> tuple[list[int], list[int]]:
    """Offsets of the windows on the two axes, which make a grid.

    From 512 pixels on they cover an axis, side by side or with some overlap; on a shorter one
    there are 3, as far as they fit. Where those are more than ``budget``, as many as cover the
    largest share of both axes lie evenly spaced, with gaps between.

    Args:
        height, width: of the picture, in pixels, each at least 128.
        budget: windows at most, at least 1.
    """
    sides = (height, width)
    rows, columns = (_positions(side) for side in sides)
    pairs = [(r, min(columns, budget // r)) for r in range(1, min(rows, budget) + 1)]
    counts = max(pairs, key=lambda pair: (_covered(pair, sides), pair[0] * pair[1]))
    tops, lefts = (
        window_positions(side, count) for side, count in zip(sides, counts, strict=True)
    )
    return tops, lefts


def _positions(side: int) -> int:
    """How many windows a long axis takes to be covered; a short one takes 3."""
    if side < (WINDOWS_PER_AXIS + 1) * WINDOW_SIZE:
        return min(WINDOWS_PER_AXIS, (side - WINDOW_SIZE) // WINDOW_GRID + 1)
    return -(-side // WINDOW_SIZE)


def _covered(counts: tuple[int, int], sides: tuple[int, int]) -> float:
    """Share of the axis that windows cover less of."""
    return min(min(1.0, n * WINDOW_SIZE / side) for n, side in zip(counts, sides, strict=True))


def window_positions(side: int, count: int) -> list[int]:
    """Offsets of at most ``count`` windows on an axis of ``side`` >= 128 pixels.

    Equally spaced, a single one in the middle. All are multiples of 8, the grid of JPEG and of
    most decoders, so that a short axis has room for fewer.
    """
    room = (side - WINDOW_SIZE) / WINDOW_GRID
    spaced = np.linspace(0, room, count) if count > 1 else np.array([room / 2])
    places = np.unique(np.minimum(np.round(spaced), room // 1))
    return [int(place) * WINDOW_GRID for place in places]


def at_least_a_window(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A picture whose sides shorter than 128 pixels are resized to 128.

    Bicubically, and on that axis only. Shape (height, width, 3), both ways.
    """
    height, width = pixels.shape[:2]
    if min(height, width) >= WINDOW_SIZE:
        return pixels
    size = (max(width, WINDOW_SIZE), max(height, WINDOW_SIZE))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def windows(
    pixels: npt.NDArray[np.uint8],
    per_axis: int | None = None,
    *,
    budget: int = WINDOW_BUDGET,
) -> npt.NDArray[np.uint8]:
    """Cut windows evenly from a picture (paper, "Sliding Window").

    A side shorter than 128 pixels is resized to 128, bicubically and on that axis only; no more
    of a thin picture than its windows is.

    Equations: docs/method.md#windows.

    Args:
        pixels: uint8, shape (height, width, 3), RGB.
        per_axis: so many on each axis at most, from 1, in place of what ``window_grid`` gives.
        budget: at most so many, see ``window_grid``.

    Returns:
        uint8, shape (n, 3, 128, 128), n from 1 to ``budget``, in reading order.
    """
    height, width = (max(side, WINDOW_SIZE) for side in pixels.shape[:2])
    if per_axis is None:
        tops, lefts = window_grid(height, width, budget)
    else:
        tops, lefts = (window_positions(side, per_axis) for side in (height, width))
    crops = [
        at_least_a_window(pixels[top : top + WINDOW_SIZE, left : left + WINDOW_SIZE])
        for top in tops
        for left in lefts
    ]
    return np.stack([crop.transpose(2, 0, 1) for crop in crops])
