"""Any input to RGB pixels.

A fingerprint is a property of the stored pixel grid, so nothing here touches a pixel it need not:

- The orientation that JPEG, PNG, WebP (EXIF) and AVIF (irot, imir) files ask for is not applied:
  turning an image turns its spectrum. TIFF, HEIC and JPEG XL files are turned by their decoders as
  they are loaded. An image the caller has turned stays as it is.
- Colour profiles, texts and gamma are ignored.
- Alpha is dropped and the colours kept as stored; compositing would mix in a second image.
- Grey is repeated in the three channels; a palette is looked up; 16-bit values keep their high
  byte, as PNG decoders do; CMYK goes through Pillow's plain conversion, without profiles.
- Animations, multi-page files and float pixels are refused rather than guessed at.

The same pixels therefore give the same fingerprint in any lossless container.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.encoded import read_encoded
from fingerprint_sdk.images.extra_formats import plugin_for
from fingerprint_sdk.images.jpeg_header import jpeg_tables, subsampling
from fingerprint_sdk.images.limits import MAX_PIXELS, check_scans, check_size, turns
from fingerprint_sdk.images.lossy import is_lossy, opened_lossy
from fingerprint_sdk.images.pillow import pillow_errors, place_kept, readable_formats
from fingerprint_sdk.images.pixels import array_pixels, image_pixels
from fingerprint_sdk.images.png import without_texts
from fingerprint_sdk.images.quiet import quiet_decoders
from fingerprint_sdk.process.forks import Lock

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

__all__ = ["MAX_PIXELS", "LoadedImage", "decoded", "describe", "is_single_image", "load_image"]

_LONGEST = 500  # characters of a name: somebody may give a file's content for its path

# A lazily opened image may be given twice, to two threads: only one may load it.
_pil_lock = Lock()


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
    try:
        name = _described(source)
    except Exception:  # a memoryview that was released, an object of the caller's that raises
        name = f"<{type(source).__name__}>"
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."


def _described(source: Any) -> str:
    if isinstance(source, str | os.PathLike):
        return repr(os.fspath(source))
    if isinstance(source, Image.Image):
        filename = getattr(source, "filename", "")
        return repr(filename) if filename else f"<PIL image, mode {source.mode}, {source.size}>"
    if isinstance(source, np.ndarray):
        return f"<array, {source.dtype}, shape {source.shape}>"
    name = getattr(source, "name", None)  # of an open file, or of bytes that somebody gave one
    if isinstance(name, str):
        return repr(name)
    if isinstance(source, bytes | bytearray | memoryview):
        return f"<{memoryview(source).nbytes} bytes>"
    return f"<{type(source).__name__}>"


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
    with decoded(source) as image:
        return image


@contextmanager
def decoded(source: ImageInput) -> Iterator[LoadedImage]:
    """``load_image`` where the pixels are needed for a while only.

    Meanwhile other threads decode no more than there is memory for, see ``limits``.
    """
    if isinstance(source, LoadedImage):
        yield source
        return
    name = describe(source)
    with ExitStack() as turn:
        if isinstance(source, np.ndarray):
            image = LoadedImage(array_pixels(source, name), name)
        elif isinstance(source, Image.Image):
            image = _from_pillow(source, name, turn)
        else:
            image = _from_file(read_encoded(source, name), name, turn)
        yield image


def encoded_size(encoded: bytes) -> tuple[int, int]:
    """Width and height of an encoded image by its header, in pixels: nothing is decoded.

    Raises:
        ImageError: it cannot be used, as far as its header tells. The message names it.
    """
    name = describe(encoded)
    with _opened(read_encoded(encoded, name), name) as image:
        return image.size


def _from_pillow(image: Image.Image, name: str, turn: ExitStack) -> LoadedImage:
    with pillow_errors(name):
        check_size(image.size, name)
        turn.enter_context(turns.of(image.width * image.height))
        with _pil_lock, quiet_decoders(), place_kept(image):
            return _decode(image, name, opened_lossy(image))


def _from_file(encoded: bytes, name: str, turn: ExitStack) -> LoadedImage:
    with _opened(encoded, name) as image:
        turn.enter_context(turns.of(image.width * image.height))
        return _decode(image, name, is_lossy(image, encoded))


@contextmanager
def _opened(encoded: bytes, name: str) -> Iterator[Image.Image]:
    """An image of which only the header was read, and found to be no larger than may be."""
    check_scans(encoded, name)
    with quiet_decoders(), pillow_errors(name):
        extra = plugin_for(encoded, name)
        formats = readable_formats() if extra is None else (extra,)
        with Image.open(io.BytesIO(without_texts(encoded)), formats=formats) as image:
            check_size(image.size, name, image.format)
            yield image


def _decode(image: Image.Image, name: str, lossy: bool | None) -> LoadedImage:
    # Phones append depth maps to JPEG files (MPO); the first image is the photograph.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageError(
            f"{name} has several frames: "  # to count them could take long
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
