"""Contents that two pictures share: words over both, a logo, a frame, one picture twice.

What lies over both of two pictures makes them alike whoever made them, and no photograph of the
cohort has just that over it. It is seen in the pixels: fine detail of one picture is found again
in the other. Equations: docs/method.md#shared-contents.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.images.processing import Pixels
from fingerprint_sdk.images.quality import FLAT_POWER

Plane = npt.NDArray[np.float32]

PERIOD = 32
"""What repeats by so many pixels or a divisor is no contents: a decoder's grid, or a codec's."""

CLIPPED = 4.0
"""Times its mean magnitude a detail counts at most, so that no single edge decides."""

CELL = 64
"""Side of the squares that are compared, in pixels."""

CORRELATED = 0.12
"""Correlation from which two cells show the same."""

SHARED = 0.9
"""Share of cells in which two pictures must show the same; a frame is in fewer. Of those tried on
``eval/lossless``, with ``CORRELATED``, the least that left the answers on untouched pairs as they
were (benchmarks/quality/answers.py)."""

CELLS = 4
"""Cells with detail that two pictures must have in common to show the same: one alone is found
somewhere in any two small pictures, which are moved to where they are most alike."""


def shared_cells(a: Plane, b: Plane) -> float:
    """Share of cells, 0 to 1, in which two pictures show the same, moved or not.

    Cells without detail do not count; of fewer than ``CELLS`` nothing is said, which is 0.

    Args:
        a, b: ``detail`` of either.
    """
    if not a.size or not b.size:
        return 0.0
    a, b = _laid_over(a, b)
    rows, columns = (min(length) // CELL for length in zip(a.shape, b.shape, strict=True))
    if not rows or not columns:
        return 0.0
    left, right = _cells(a, rows, columns), _cells(b, rows, columns)
    energy = np.einsum("nij,nij->n", left, left) * np.einsum("nij,nij->n", right, right)
    seen = energy > 0
    if int(seen.sum()) < CELLS:
        return 0.0
    products = np.einsum("nij,nij->n", left, right)
    correlations = products[seen] / np.sqrt(energy[seen])
    return float((correlations >= CORRELATED).mean())


def detail(pixels: Pixels) -> Plane:
    """Detail of a picture, without what repeats like a grid.

    Args:
        pixels: uint8, (H, W, 3).

    Returns:
        float32, of whole blocks of ``PERIOD`` pixels; 0 where a block is flat.
    """
    grey = pixels.astype(np.float32).mean(axis=2)
    fine = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2]
    fine -= grey[1:-1, 2:]
    height, width = (length // PERIOD * PERIOD for length in fine.shape)
    if not height or not width:
        return np.zeros((0, 0), np.float32)
    limit = CLIPPED * float(np.abs(fine).mean())
    blocks = np.clip(fine, -limit, limit)[:height, :width]
    blocks = blocks.reshape(height // PERIOD, PERIOD, width // PERIOD, PERIOD)
    seen = np.square(blocks).mean(axis=(1, 3), keepdims=True) > FLAT_POWER
    count = max(1, int(seen.sum()))
    grid = (blocks * seen).sum(axis=(0, 2), keepdims=True) / count
    if count > 1:
        blocks = (blocks - grid) * seen
    return np.ascontiguousarray(blocks.reshape(height, width), np.float32)


def _laid_over(a: Plane, b: Plane) -> tuple[Plane, Plane]:
    """Both from where they are most alike on, by their correlation at every shift."""
    shape = [2 ** (max(length) - 1).bit_length() for length in zip(a.shape, b.shape, strict=True)]
    product = np.fft.rfft2(a, shape) * np.conj(np.fft.rfft2(b, shape))
    likeness = np.fft.irfft2(product, shape)
    down, right = np.unravel_index(int(likeness.argmax()), likeness.shape)
    moved = [
        int(shift) - size * (2 * shift > size)
        for shift, size in zip((down, right), shape, strict=True)
    ]
    a = a[max(0, moved[0]) :, max(0, moved[1]) :]
    b = b[max(0, -moved[0]) :, max(0, -moved[1]) :]
    return a, b


def _cells(plane: Plane, rows: int, columns: int) -> Plane:
    cut = plane[: rows * CELL, : columns * CELL]
    return cut.reshape(rows, CELL, columns, CELL).swapaxes(1, 2).reshape(-1, CELL, CELL)
