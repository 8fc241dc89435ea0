"""Small files of large images."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, rows: Iterable[bytes], *, colour: int = 2, before: bytes = b""
) -> bytes:
    """A PNG file of 8 bits a channel.

    Args:
        width, height: as the header says.
        rows: pieces of what is compressed: a filter byte before each row.
        colour: 0 grey, 2 RGB, 6 RGBA.
        before: chunks before the pixels.
    """
    deflate = zlib.compressobj(1)
    data = b"".join([*map(deflate.compress, rows), deflate.flush()])
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", head, before, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    )


def flat_rgba(width: int, height: int) -> bytes:
    """A PNG file of one colour, some bytes for every thousand pixels."""
    return png(width, height, (bytes(1 + 4 * width) for _ in range(height)), colour=6)
