"""Encoded images, from wherever they are given, whole and of limited size."""

from __future__ import annotations

import io
import os
from typing import Any

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.limits import MAX_BYTES

_PIECE = 2**24  # bytes


def read_encoded(source: Any, name: str) -> bytes:
    """The bytes of an image file.

    Args:
        source: a path, bytes, or a binary file object, which is read from its present position.
        name: of it, for messages.

    Raises:
        ImageError: it is none of these, cannot be read, is empty, or too large.
    """
    try:
        encoded = _read(source, name)
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist: check the path") from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit in memory") from error
    except Exception as error:  # a file object of the caller's may raise anything
        # An OSError has the whole name in it once more.
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageError(f"cannot read {name}: {why}") from error
    if encoded is None:
        raise ImageError(
            f"cannot take an image from {name}: give a path, bytes, a binary file object, "
            "a PIL image or a uint8 array"
        )
    if not encoded:
        raise ImageError(f"{name} is empty (0 bytes): give a complete image file")
    if len(encoded) > MAX_BYTES:
        raise _too_large(name)
    return encoded


def _too_large(name: str) -> ImageError:
    return ImageError(f"{name} has more than {MAX_BYTES} bytes: save it compressed, or crop it")


def _read(source: Any, name: str) -> bytes | None:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        if os.path.isdir(source):
            raise ImageError(f"{name} is a folder: give the image files in it")
        # A pipe or a device could block or never end.
        if os.path.exists(source) and not os.path.isfile(source):
            raise ImageError(f"{name} is not a regular file")
        with open(source, "rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise _too_large(name)
            return _read_object(file, name)
    return _read_object(source, name) if hasattr(source, "read") else None


def _read_object(file: Any, name: str) -> bytes:
    """The rest of a file object, a piece at a time and no more than may be."""
    # A buffer is asked for all at once: it has no room to make for what may not come.
    asked = MAX_BYTES + 1 if isinstance(file, io.BytesIO) else _PIECE
    content = bytearray()
    while len(content) <= MAX_BYTES:
        piece = file.read(asked)
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise ImageError(f"{name} does not give bytes: open it in binary mode ('rb')")
        last = not piece or (isinstance(file, io.BufferedIOBase) and len(piece) != asked)
        if last and not content:
            return bytes(piece)
        content += piece
        if last:
            break
    return bytes(content)
