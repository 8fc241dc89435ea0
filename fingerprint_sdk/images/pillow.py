"""Pillow made safe for untrusted files: formats, errors, open files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import Any

from PIL import Image, UnidentifiedImageError

from fingerprint_sdk.errors import ImageError

# Only still-image decoders: EPS, for one, would run Ghostscript on an untrusted file.
_PLUGINS = {
    "PNG": "Png",
    "JPEG": "Jpeg",
    "MPO": "Mpo",
    "WEBP": "WebP",
    "AVIF": "Avif",
    "BMP": "Bmp",
    "GIF": "Gif",
    "TIFF": "Tiff",
    "PPM": "Ppm",
    "JPEG2000": "Jpeg2K",
}
FORMATS = tuple(_PLUGINS)
_LONGEST = 500  # characters of somebody else's message


@cache
def readable_formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow can read; loads their plug-ins and no others.

    ``Image.init`` would load all forty, which takes longer than decoding an image.
    """
    for plugin in _PLUGINS.values():
        with suppress(ImportError):  # AVIF came with Pillow 11.3
            import_module(f"PIL.{plugin}ImagePlugin")
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def pillow_errors(name: str) -> Iterator[None]:
    """Pillow and its plug-ins raise almost anything on a broken file."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} is too large to decode safely: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not an image in a format we read ({', '.join(FORMATS)}; HEIC and JPEG XL "
            "with the extras heif and jxl)"
        ) from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit in memory") from error
    except Exception as error:
        why = str(error)[:_LONGEST] or type(error).__name__
        raise ImageError(f"cannot decode {name}: it is broken or cut short ({why})") from error


def file_of(image: Image.Image) -> bytes:
    """The encoded file that an image was opened from, as far as it can still be had.

    A file object is read whole and put back where it stood. Pillow lets go of it when it loads
    the image; a file that was opened by its name is then read again. Either must hold an image of
    the format and the size of this one: the file may have changed.

    Returns:
        empty if neither is to be had.
    """
    for read in (_from_object, _from_name):
        with suppress(Exception):  # a file object of the caller's may raise anything
            encoded = read(image)
            with Image.open(io.BytesIO(encoded), formats=[str(image.format)]) as same:
                if same.size == image.size:
                    return encoded
    return b""


def _from_object(image: Any) -> bytes:
    position = image.fp.tell()
    try:
        image.fp.seek(0)  # where Image.open starts, too
        return bytes(image.fp.read())
    finally:
        image.fp.seek(position)


def _from_name(image: Any) -> bytes:
    if not os.path.isfile(image.filename):  # a pipe could block
        return b""
    with open(image.filename, "rb") as file:
        return file.read()


@contextmanager
def place_kept(image: Image.Image) -> Iterator[None]:
    """Put the caller's file object back where it stood, though loading the image reads on."""
    file = None if getattr(image, "_exclusive_fp", True) else getattr(image, "fp", None)
    position = None
    with suppress(Exception):  # closed, or without a place
        position = None if file is None else file.tell()
    try:
        yield
    finally:
        if file is not None and position is not None:
            with suppress(Exception):
                file.seek(position)
