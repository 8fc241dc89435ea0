"""Chunks of a PNG file (W3C, PNG third edition, 11.3)."""

from __future__ import annotations

from collections.abc import Iterator

from fingerprint_sdk.declaration.containers.source import MAX_STEPS, Part, Source

_XMP = "XML:com.adobe.xmp"
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})


def png_parts(source: Source) -> Iterator[Part]:
    """Text, EXIF, XMP and C2PA chunks, wherever they stand."""
    offset = 8
    for _ in range(MAX_STEPS):
        head = source.at(offset, 8)
        kind, length = head[4:8], int.from_bytes(head[:4], "big")
        if len(head) < 8 or kind == b"IEND":
            return
        if kind == b"caBX":
            if data := source.part(offset + 8, length, "the C2PA manifest store", c2pa=True):
                yield Part("c2pa", data)
        elif kind == b"eXIf":
            if data := source.part(offset + 8, length, "EXIF"):
                yield Part("exif", data)
        elif kind in _TEXTS and (data := source.part(offset + 8, length, "a text")):
            yield from _text(source, kind, data)
        offset += 12 + length
    source.note("the file has too many chunks: those behind were not read")


def _text(source: Source, kind: bytes, data: bytes) -> Iterator[Part]:
    keyword, _, rest = data.partition(b"\0")
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        text = _utf8(rest)
    elif kind == b"zTXt":
        text = _utf8(source.inflated(rest[1:], f"the text {name!a}"))
    else:
        compressed, rest = rest[:1] == b"\1", rest[2:]
        text = rest.split(b"\0", 2)[-1]  # behind the language and the translated keyword
        if compressed:
            text = source.inflated(text, f"the text {name!a}")
    if text:
        yield Part("xmp", text) if name == _XMP else Part("text", text, name)


def _utf8(text: bytes) -> bytes:
    """Latin-1 by the standard, though some programs write UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1").encode()
    return text
