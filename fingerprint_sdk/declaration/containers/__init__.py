"""Where image files keep what they say of themselves, found without decoding a pixel."""

from __future__ import annotations

import struct

from fingerprint_sdk.declaration.containers.avif import avif_parts
from fingerprint_sdk.declaration.containers.jpeg import jpeg_parts
from fingerprint_sdk.declaration.containers.png import png_parts
from fingerprint_sdk.declaration.containers.source import Part, Source
from fingerprint_sdk.declaration.containers.webp import webp_parts

__all__ = ["Part", "Source", "parts_of"]

_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def parts_of(source: Source) -> tuple[str | None, list[Part]]:
    """The format of a file, as Pillow spells it, and its parts that hold metadata.

    A file that is broken or cut short gives the parts before that place, and a note.

    Returns:
        None and no parts for formats other than PNG, JPEG, WebP and AVIF.
    """
    head = source.at(0, 32)
    brands = {head[place : place + 4] for place in (8, *range(16, len(head), 4))}
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        name, walk = "PNG", png_parts
    elif head.startswith(b"\xff\xd8\xff"):
        name, walk = "JPEG", jpeg_parts
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        name, walk = "WEBP", webp_parts
    elif head[4:8] == b"ftyp" and brands & _AVIF_BRANDS:
        name, walk = "AVIF", avif_parts
    else:
        return None, []
    found: list[Part] = []
    try:
        for part in walk(source):
            found.append(part)
    except (struct.error, IndexError, ValueError):
        source.note("the file is broken or cut short: metadata behind that place was not read")
    return name, found
