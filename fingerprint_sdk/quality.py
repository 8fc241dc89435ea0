"""What may make an image's fingerprint weak, read from the file and its pixels.

Two things are left out because no cheap test of them is reliable. An earlier JPEG life of pixels
now stored losslessly: its 8x8 grid looks like the grid a latent decoder leaves on its own. And
resampling: upsampling layers inside a generator leave the same traces.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.images import WINDOW_SIZE, LoadedImage

FLAT_POWER = 0.05
"""Mean squared Laplacian, in grey levels squared, below which an image counts as flat."""

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
class Quality:
    """What may make the fingerprint of one image weak.

    Attributes:
        width, height: in pixels.
        format: container format ("PNG", "JPEG", ...), None for pixels without one.
        too_small: a side is shorter than 128 pixels, so the image had to be enlarged.
        jpeg_quality: 1 to 100, the libjpeg setting whose table is as coarse as the file's; None
            when the input is not a JPEG file.
        lossy: the container's compression or palette changed the pixels; None when unknown, as
            it always is for arrays. Says nothing of an earlier life in another format.
        flat: next to no residual, so next to no fingerprint: any score of it is meaningless.
    """

    width: int
    height: int
    format: str | None
    too_small: bool
    jpeg_quality: int | None
    lossy: bool | None
    flat: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the problems found, for people: "too_small", "lossy", "flat"."""
        return tuple(name for name in ("too_small", "lossy", "flat") if getattr(self, name))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "flags": list(self.flags)}


def assess(image: LoadedImage, windows: npt.NDArray[np.uint8]) -> Quality:
    """Judge one image.

    Args:
        image: the decoded image.
        windows: uint8, shape (n, 3, 128, 128), the windows cut from it.
    """
    height, width = image.pixels.shape[:2]
    return Quality(
        width=width,
        height=height,
        format=image.format,
        too_small=min(height, width) < WINDOW_SIZE,
        jpeg_quality=estimate_jpeg_quality(image.jpeg_tables[0]) if image.jpeg_tables else None,
        lossy=image.lossy,
        flat=residual_power(windows) < FLAT_POWER,
    )


def estimate_jpeg_quality(luminance: tuple[int, ...]) -> int:
    """The libjpeg quality, 1 to 100, whose luminance table is as coarse as this one.

    Exact for tables made by libjpeg; for other encoders, the setting of like coarseness.

    Args:
        luminance: the 64 quantisation steps, in any order.
    """
    distance = np.abs(_sums() - sum(luminance))
    return 1 + int(np.argmin(distance))


def residual_power(windows: npt.NDArray[np.uint8]) -> float:
    """Mean squared Laplacian of the green channel, in grey levels squared.

    Args:
        windows: uint8, shape (n, 3, 128, 128).
    """
    green = windows[:, 1].astype(np.int16)
    sides = green[:, :-2, 1:-1] + green[:, 2:, 1:-1] + green[:, 1:-1, :-2] + green[:, 1:-1, 2:]
    laplacian = (sides - 4 * green[:, 1:-1, 1:-1]).astype(np.float32)
    return float(np.mean(np.square(laplacian)))


@cache
def _sums() -> npt.NDArray[np.int64]:
    """Sum of the luminance table at qualities 1 to 100: all differ, so it tells the quality."""
    quality = np.arange(1, 101)[:, None]
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    steps = np.clip((_LUMINANCE.reshape(1, 64) * scale + 50) // 100, 1, 255)
    return np.asarray(steps.sum(axis=1), dtype=np.int64)
