"""Segments of a JPEG file (ITU-T T.81, B.1) and what is kept in them."""

from __future__ import annotations

from collections.abc import Iterator

from fingerprint_sdk.declaration.containers.source import MAX_STEPS, Part, Source

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_LONG_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC = 0x0404  # the image resource that holds IPTC-IIM
_START_OF_SCAN = 0xDA
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def jpeg_parts(source: Source) -> Iterator[Part]:
    """EXIF, XMP, IPTC, C2PA and comments before the first scan."""
    boxes: dict[bytes, dict[int, bytes]] = {}  # C2PA: pieces by their numbers, of each box
    yield from _segments(source, boxes)
    for pieces in boxes.values():
        first, *others = (pieces[number] for number in sorted(pieces))
        # Every piece repeats the head of the box: its length and type, the long length if any.
        head = 16 if first[:4] == b"\0\0\0\1" else 8
        yield Part("c2pa", first + b"".join(piece[head:] for piece in others))


def _segments(source: Source, boxes: dict[bytes, dict[int, bytes]]) -> Iterator[Part]:
    offset = 2
    for _ in range(MAX_STEPS):
        head = source.at(offset, 4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == _START_OF_SCAN:
            return
        if head[1] == 0xFF or head[1] in _ALONE:  # padding
            offset += 1 if head[1] == 0xFF else 2
            continue
        length = int.from_bytes(head[2:], "big") - 2
        start, offset = offset + 4, offset + 4 + length
        if length < 0:
            raise ValueError("a segment without a length")
        if head[1] == 0xEB and source.at(start, 2) == b"JP":  # APP11 (ISO/IEC 19566-5, D.2)
            data = source.part(start, length, "the C2PA manifest store", c2pa=True)
            boxes.setdefault(data[2:4], {})[int.from_bytes(data[4:8], "big")] = data[8:]
        elif head[1] in (0xE1, 0xED, 0xFE):
            yield from _segment(source, head[1], source.part(start, length, "a segment"))
    source.note("the file has too many segments: those behind were not read")


def _segment(source: Source, marker: int, data: bytes) -> Iterator[Part]:
    if marker == 0xFE:
        yield Part("comment", data)
    elif data.startswith(_EXIF):
        yield Part("exif", data)
    elif data.startswith(_XMP):
        yield Part("xmp", data[len(_XMP) :])
    elif data.startswith(_LONG_XMP):
        source.note("the extended part of the XMP packet was not read")
    elif data.startswith(_PHOTOSHOP):
        yield from _resources(data[len(_PHOTOSHOP) :])


def _resources(data: bytes) -> Iterator[Part]:
    """IPTC among Photoshop's image resources: "8BIM", number, padded name, length, content."""
    offset = 0
    while data[offset : offset + 4] == b"8BIM":
        number = int.from_bytes(data[offset + 4 : offset + 6], "big")
        offset += 6 + (2 + data[offset + 6]) // 2 * 2
        length = int.from_bytes(data[offset : offset + 4], "big")
        if number == _IPTC:
            yield Part("iptc", data[offset + 4 : offset + 4 + length])
        offset += 4 + (length + 1) // 2 * 2
