"""Arrays and opened images to RGB pixels of 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.limits import check_size

_AT_ONCE = 2**22  # pixels that are converted at once, for the sake of memory


def array_pixels(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3) of an array, see ``decode.load_image``; ``name`` is for messages.

    Raises:
        ImageError: another shape or type, or no pixels.
    """
    shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not shape_ok:
        raise ImageError(f"{name} must have shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA")
    if array.dtype != np.uint8:
        raise ImageError(
            f"{name} must be uint8, 0 to 255: rescale and round it yourself, since the range of "
            f"{array.dtype} values cannot be known"
        )
    check_size((array.shape[1], array.shape[0]), name)
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])


def image_pixels(image: Image.Image, name: str) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3) of an image, see ``decode``; ``name`` is for messages.

    Raises:
        ImageError: its values have no known range.
    """
    to_rgb = _conversion(image, name)
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _AT_ONCE // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image if rows >= height else image.crop((0, top, width, bottom))
        pixels[top:bottom] = to_rgb(band)
    return pixels


def _conversion(image: Image.Image, name: str) -> Callable[[Image.Image], npt.NDArray[np.uint8]]:
    """How to make RGB, uint8 (H, W, 3) or for grey (H, W, 1), of a part of an image."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return lambda part: (np.asarray(part)[:, :, None].astype(np.uint32) >> 8).astype(np.uint8)
    if image.mode in ("I", "F"):
        raise ImageError(
            f"{name} has pixels of mode {image.mode!r}, whose range is unknown: convert to 8 bits"
        )
    if image.mode in ("RGBA", "RGBX"):
        return lambda part: np.asarray(part)[:, :, :3]
    if image.mode == "RGBa":
        return lambda part: np.asarray(part.convert("RGBA").convert("RGB"))
    return lambda part: np.asarray(part.convert("RGB"))
