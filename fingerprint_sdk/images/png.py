"""PNG files without what they say of themselves.

Pillow refuses a file whose texts or colour profile are long (a workflow of some MB, say), however
good its pixels are. Of these nothing is used here, so Pillow does not get to see them.
"""

from __future__ import annotations

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEFT_OUT = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"})


def without_texts(encoded: bytes) -> bytes:
    """The same PNG file without texts, EXIF data and colour profile; other files as they are."""
    if not encoded.startswith(_SIGNATURE):
        return encoded
    kept, start, offset = [], 0, len(_SIGNATURE)
    while offset + 12 <= len(encoded):
        end = offset + 12 + int.from_bytes(encoded[offset : offset + 4], "big")
        kind = encoded[offset + 4 : offset + 8]
        if kind in _LEFT_OUT and end <= len(encoded):
            kept.append(encoded[start:offset])
            start = end
        if kind == b"IEND":
            break
        offset = end
    return b"".join([*kept, encoded[start:]]) if kept else encoded
