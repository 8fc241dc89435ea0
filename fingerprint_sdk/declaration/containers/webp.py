"""RIFF chunks of a WebP file (RFC 9649, 2.3)."""

from __future__ import annotations

from collections.abc import Iterator

from fingerprint_sdk.declaration.containers.source import MAX_STEPS, Kind, Part, Source

_KINDS: dict[bytes, tuple[Kind, str]] = {
    b"C2PA": ("c2pa", "the C2PA manifest store"),
    b"EXIF": ("exif", "EXIF"),
    b"XMP ": ("xmp", "the XMP packet"),
}


def webp_parts(source: Source) -> Iterator[Part]:
    """EXIF, XMP and C2PA chunks."""
    offset = 12
    for _ in range(MAX_STEPS):
        head = source.at(offset, 8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        if head[:4] in _KINDS:
            kind, what = _KINDS[head[:4]]
            if data := source.part(offset + 8, length, what, c2pa=kind == "c2pa"):
                yield Part(kind, data)
        offset += 8 + length + length % 2
    source.note("the file has too many chunks: those behind were not read")
