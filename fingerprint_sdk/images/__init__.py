"""Any input to RGB pixels, and pixels to the windows a fingerprint is taken from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fingerprint_sdk.images.decode import (
    MAX_PIXELS,
    LoadedImage,
    describe,
    is_single_image,
    load_image,
)
from fingerprint_sdk.images.grid import (
    WINDOW_BUDGET,
    WINDOW_GRID,
    WINDOW_SIZE,
    WINDOWS_PER_AXIS,
    window_grid,
    windows,
)

if TYPE_CHECKING:
    from fingerprint_sdk.images.decode import ImageInput

__all__ = [
    "MAX_PIXELS",
    "WINDOWS_PER_AXIS",
    "WINDOW_BUDGET",
    "WINDOW_GRID",
    "WINDOW_SIZE",
    "ImageInput",
    "LoadedImage",
    "describe",
    "is_single_image",
    "load_image",
    "window_grid",
    "windows",
]
