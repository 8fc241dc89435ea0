"""Any input to RGB pixels.

A fingerprint is a property of the stored pixel grid, so nothing here touches a pixel it need not:

- The orientation that JPEG, PNG, WebP (EXIF) and AVIF (irot, imir) files ask for is not applied:
  turning an image turns its spectrum. Only a TIFF file is turned, by Pillow, as it is loaded. An
  image the caller has turned stays as it is. HEIC is not read.
- Colour profiles and gamma are ignored.
- Alpha is dropped and the colours kept as stored; compositing would mix in a second image.
- Grey is repeated in the three channels; a palette is looked up; 16-bit values keep their high
  byte, as PNG decoders do; CMYK goes through Pillow's plain conversion, without profiles.
- Animations, multi-page files and float pixels are refused rather than guessed at.

The same pixels therefore give the same fingerprint in any lossless container.
"""

from __future__ import annotations

import io
import os
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.jpeg_header import jpeg_tables, subsampling
from fingerprint_sdk.images.lossy import is_lossy, opened_lossy
from fingerprint_sdk.images.pillow import (
    pillow_errors,
    place_kept,
    quiet_pillow,
    readable_formats,
)
from fingerprint_sdk.images.pixels import array_pixels, image_pixels

if TYPE_CHECKING:
    ImageInput: TypeAlias = (
        str
        | os.PathLike[str]
        | bytes
        | bytearray
        | memoryview
        | IO[bytes]
        | Image.Image
        | npt.NDArray[np.uint8]
        | "LoadedImage"
    )

MAX_PIXELS = 178_956_970
"""Encoded images larger than this are refused (Pillow's own limit for decompression bombs)."""

# A lazily opened image may be given twice, to two threads: only one may load it.
_pil_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """Decoded pixels, and what their container told.

    Attributes:
        pixels: uint8, shape (height, width, 3), RGB.
        name: how messages name this input.
        format: container format in Pillow's spelling ("PNG", "JPEG", ...); None for an array or
            an image made in memory.
        jpeg_tables: the JPEG quantisation tables, 64 steps each, row by row, luminance first;
            empty if none.
        lossy: True when the container's compression (or a palette) changed the pixels, or may have
            and cannot be asked (AVIF, a WebP image whose file is gone); False when it is
            lossless; None when it does not tell (pixels without a container, JPEG 2000 with the
            reversible wavelet). It knows nothing of an earlier life: a JPEG saved again as PNG
            says False.
        subsampling: of the colours of a JPEG file, "4:4:4", "4:2:0", ...; None for other images.
    """

    pixels: npt.NDArray[np.uint8]
    name: str
    format: str | None = None
    jpeg_tables: tuple[tuple[int, ...], ...] = ()
    lossy: bool | None = None
    subsampling: str | None = None


def is_single_image(source: object) -> bool:
    """True for one image, False for what must be a collection of them."""
    if isinstance(source, np.ndarray):
        return source.ndim != 4
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image, LoadedImage)
    return isinstance(source, kinds) or hasattr(source, "read")


def describe(source: object) -> str:
    """A short name of an input, for messages."""
    if isinstance(source, str | os.PathLike):
        return repr(os.fspath(source))
    if isinstance(source, Image.Image):
        filename = getattr(source, "filename", "")
        return repr(filename) if filename else f"<PIL image, mode {source.mode}, {source.size}>"
    if isinstance(source, np.ndarray):
        return f"<array, {source.dtype}, shape {source.shape}>"
    if isinstance(source, bytes | bytearray | memoryview):
        return f"<{len(source)} bytes>"
    name = getattr(source, "name", None)
    return repr(name) if isinstance(name, str) else f"<{type(source).__name__}>"


def load_image(source: ImageInput) -> LoadedImage:
    """Decode one image.

    Args:
        source: a path, encoded bytes, a binary file object (read from its present position and
            left open), a PIL image (loaded, else left as it is; one that Pillow opened from a
            file tells as much as the file, its copies and conversions are without a container), a
            uint8 array of shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, or what this function
            returned before.

    Raises:
        ImageError: the input is none of these, or cannot be used. The message names it.
    """
    if isinstance(source, LoadedImage):
        return source
    name = describe(source)
    if isinstance(source, np.ndarray):
        return LoadedImage(array_pixels(source, name), name)
    if isinstance(source, Image.Image):
        with _pil_lock, quiet_pillow(), pillow_errors(name), place_kept(source):
            return _decode(source, name, opened_lossy(source))
    encoded = _read(source, name)
    if not encoded:
        raise ImageError(f"{name} is empty (0 bytes): give a complete image file")
    with (
        quiet_pillow(),
        pillow_errors(name),
        Image.open(io.BytesIO(encoded), formats=readable_formats()) as image,
    ):
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ImageError(
                f"{name} has {width}x{height} pixels, more than {MAX_PIXELS}: crop it"
            )
        return _decode(image, name, is_lossy(image, encoded))


def _read(source: Any, name: str) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        if isinstance(source, str | os.PathLike):
            if os.path.isdir(source):
                raise ImageError(f"{name} is a folder: give the image files in it")
            # A pipe or a device could block or never end.
            if os.path.exists(source) and not os.path.isfile(source):
                raise ImageError(f"{name} is not a regular file")
            with open(source, "rb") as file:
                return file.read()
        if hasattr(source, "read"):
            encoded = source.read()
            if not isinstance(encoded, bytes):
                raise ImageError(f"{name} does not give bytes: open it in binary mode ('rb')")
            return encoded
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist: check the path") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot read {name}: {error}") from error
    raise ImageError(
        f"cannot take an image from {name}: give a path, bytes, a binary file object, "
        "a PIL image or a uint8 array"
    )


def _decode(image: Image.Image, name: str, lossy: bool | None) -> LoadedImage:
    width, height = image.size
    if width == 0 or height == 0:
        raise ImageError(f"{name} has no pixels")
    # Phones append depth maps to JPEG files (MPO); the first image is the photograph.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageError(
            f"{name} has {getattr(image, 'n_frames', 'several')} frames: "
            "give the one you mean as a PIL image (frame.copy()) or an array"
        )
    image.load()
    return LoadedImage(
        pixels=image_pixels(image, name),
        name=name,
        format=image.format,
        jpeg_tables=jpeg_tables(image),
        lossy=lossy,
        subsampling=subsampling(image),
    )
