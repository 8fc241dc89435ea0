"""What JPEG leaves behind: a table in the file, and rounded coefficients in the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

# Luminance table of ISO/IEC 10918-1, annex K.1, which libjpeg scales by its quality setting.
_LUMINANCE = np.array(
    [
        (16, 11, 10, 16, 24, 40, 51, 61),
        (12, 12, 14, 19, 26, 58, 60, 55),
        (14, 13, 16, 24, 40, 57, 69, 56),
        (14, 17, 22, 29, 51, 87, 80, 62),
        (18, 22, 37, 56, 68, 109, 103, 77),
        (24, 35, 55, 64, 81, 104, 113, 92),
        (49, 64, 78, 87, 103, 121, 120, 101),
        (72, 92, 95, 98, 112, 100, 103, 99),
    ]
)


@dataclass(frozen=True)
class JpegDetector:
    """How ``was_jpeg`` looks for rounded coefficients (docs/method.md#jpeg).

    Attributes:
        frequencies: (row, column) of the coefficients looked at: low enough that enough of them
            survive quantisation, high enough that their steps stand out from the rounding of the
            decoded pixels.
        steps: smallest and largest step tried.
        blocks_per_axis: blocks looked at, equally spaced.
        large: a coefficient counts from this share of a step on.
        coefficients: fewest that must count for a step to be tried.
        frequencies_found: fewest frequencies with a step that was tried.
        z: standard deviations that the median frequency must exceed.
    """

    frequencies: tuple[tuple[int, int], ...] = (
        (0, 3), (1, 2), (2, 1), (3, 0), (2, 2), (1, 3), (3, 1),
    )  # fmt: skip
    steps: tuple[int, int] = (2, 30)
    blocks_per_axis: int = 20
    large: float = 0.6
    coefficients: int = 24
    frequencies_found: int = 3
    z: float = 5.0


DETECTOR = JpegDetector()


def estimate_jpeg_quality(luminance: tuple[int, ...]) -> int:
    """The libjpeg quality, 1 to 100, whose luminance table is as coarse as this one.

    Exact for tables made by libjpeg; for other encoders, the setting of like coarseness.

    Args:
        luminance: the 64 quantisation steps, in any order.
    """
    distance = np.abs(_table_sums() - sum(luminance))
    return 1 + int(np.argmin(distance))


def was_jpeg(pixels: npt.NDArray[np.uint8], detector: JpegDetector = DETECTOR) -> bool:
    """Whether lossless pixels came from a JPEG file whose 8x8 grid starts at the corner.

    JPEG rounds each DCT coefficient to a multiple of a step, and the multiples are still there
    in the decoded pixels. The periodic grid of a latent decoder has no such rounding, so it is
    not mistaken for one. Cropping off the grid, resizing, or a quality above about 95 hide the
    trace: False means that none was found.

    Args:
        pixels: uint8, shape (height, width, 3), RGB.
        detector: its constants.
    """
    scores = _periodicity(_coefficients(pixels, detector), detector)
    found = scores[np.isfinite(scores)]
    return len(found) >= detector.frequencies_found and float(np.median(found)) > detector.z


def _coefficients(
    pixels: npt.NDArray[np.uint8], detector: JpegDetector
) -> npt.NDArray[np.float32]:
    """DCT coefficients of luminance, shape (frequencies, blocks), from equally spaced blocks."""
    height, width = pixels.shape[0] // 8, pixels.shape[1] // 8
    rows, columns = (
        np.linspace(0, count - 1, min(count, detector.blocks_per_axis)).astype(np.intp)
        for count in (height, width)
    )
    grid = pixels[: 8 * height, : 8 * width].reshape(height, 8, width, 8, 3)
    blocks = grid[rows[:, None], :, columns[None, :]].astype(np.float32)
    luma = (blocks @ np.array([0.299, 0.587, 0.114], np.float32)).reshape(-1, 64)
    return np.asarray(_basis(detector.frequencies) @ luma.T, dtype=np.float32)


def _periodicity(
    coefficients: npt.NDArray[np.float32], detector: JpegDetector
) -> npt.NDArray[np.float32]:
    """How far each row lies on multiples of some step, in standard deviations.

    Returns:
        shape (frequencies,), -inf where too few coefficients are large enough to tell.
    """
    best = np.full(len(coefficients), -np.inf, np.float32)
    size = np.abs(coefficients)
    first, last = detector.steps
    for step in np.arange(first, last + 1, dtype=np.float32):
        large = size > np.float32(detector.large) * step
        count = np.count_nonzero(large, axis=1)
        enough = count >= detector.coefficients
        if not enough.any():
            break
        cosines = np.cos(size * np.float32(2 * np.pi / step))
        # Off any lattice, the mean of n cosines is about N(0, 1 / 2n).
        score = (cosines * large).sum(axis=1) * np.sqrt(2 / np.maximum(count, 1))
        best = np.where(enough, np.maximum(best, score), best).astype(np.float32)
    return best


@cache
def _basis(frequencies: tuple[tuple[int, int], ...]) -> npt.NDArray[np.float32]:
    """Orthonormal 2-D DCT-II vectors, shape (frequencies, 64)."""
    n = np.arange(8)
    rows = 0.5 * np.cos(np.pi * (2 * n[None, :] + 1) * n[:, None] / 16)
    rows[0] /= np.sqrt(2)
    return np.array([np.outer(rows[u], rows[v]).ravel() for u, v in frequencies], np.float32)


@cache
def _table_sums() -> npt.NDArray[np.int64]:
    """Sum of the luminance table at qualities 1 to 100: all differ, so it tells the quality."""
    quality = np.arange(1, 101)[:, None]
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    steps = np.clip((_LUMINANCE.reshape(1, 64) * scale + 50) // 100, 1, 255)
    return np.asarray(steps.sum(axis=1), dtype=np.int64)
