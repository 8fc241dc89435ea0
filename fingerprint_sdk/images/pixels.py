"""Arrays and opened images to RGB pixels of 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fingerprint_sdk.errors import ImageError


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
    if 0 in array.shape:
        raise ImageError(f"{name} has no pixels")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])


def image_pixels(image: Image.Image, name: str) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3) of an image, see ``decode``; ``name`` is for messages.

    Raises:
        ImageError: its values have no known range.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ImageError(
            f"{name} has pixels of mode {image.mode!r}, whose range is unknown: convert to 8 bits"
        )
    if image.mode in ("RGBA", "RGBX"):
        return np.ascontiguousarray(np.asarray(image)[:, :, :3])
    if image.mode == "RGBa":
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))
