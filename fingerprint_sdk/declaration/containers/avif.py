"""Boxes of an AVIF file (ISO/IEC 14496-12): EXIF and XMP are items, C2PA a box of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fingerprint_sdk.declaration.containers.source import (
    MAX_PART,
    MAX_STEPS,
    Part,
    Source,
)

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.2, A.5.1
_MAX_ITEMS = 10_000
_MAX_EXTENTS = 100  # of one item


@dataclass
class _Cursor:
    """Numbers from bytes, one after another; ValueError behind the end."""

    data: bytes
    place: int = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        found = self.data[self.place : self.place + size]
        if len(found) < size:
            raise ValueError("cut short")
        self.place += size
        return found

    def text(self) -> bytes:
        end = self.data.index(b"\0", self.place)  # ValueError if there is none
        found = self.data[self.place : end]
        self.place = end + 1
        return found


def avif_parts(source: Source) -> Iterator[Part]:
    """The EXIF and XMP items, and the C2PA manifest store."""
    offset = 0
    for _ in range(MAX_STEPS):
        head = source.at(offset, 16)
        if len(head) < 8:
            return
        length, start = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            length = source.size - offset
        if length < start:
            raise ValueError("a box shorter than its head")
        if head[4:8] == b"meta":
            yield from _items(source, source.part(offset + start, length - start, "a box"))
        elif head[4:8] == b"uuid" and source.at(offset + start, 16) == _C2PA:
            what = "the C2PA manifest store"
            data = source.part(offset + start + 16, length - start - 16, what, c2pa=True)
            # Version and flags, the purpose, and where the Merkle tree lies if there is one.
            purpose, _, rest = data[4:].partition(b"\0")
            if purpose == b"manifest":
                yield Part("c2pa", rest[8:])
        offset += length
    source.note("the file has too many boxes: those behind were not read")


def _items(source: Source, meta: bytes) -> Iterator[Part]:
    boxes = dict(_boxes(meta, 4))  # behind its version and flags
    kinds = dict(_kinds(boxes.get(b"iinf", b"")))
    for number, in_box, extents in _places(boxes.get(b"iloc", b"")):
        kind = kinds.pop(number, None)  # each once, though a file may place it again
        if kind is None:
            continue
        data, what = b"", "EXIF or XMP"
        for offset, length in extents:
            if len(data) > MAX_PART:
                break
            if in_box:
                data += source.kept(boxes.get(b"idat", b"")[offset : offset + length], what)
            else:
                length = length or source.size - offset  # zero: to the end of the file
                data += source.part(offset, length, what)
        if kind == "exif":  # behind where in it the TIFF header stands
            yield Part("exif", data[4 + int.from_bytes(data[:4], "big") :])
        else:
            yield Part("xmp", data)


def _boxes(data: bytes, place: int) -> Iterator[tuple[bytes, bytes]]:
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big") or len(data) - place
        if length < 8:
            raise ValueError("a box shorter than its head")
        yield data[place + 4 : place + 8], data[place + 8 : place + length]
        place += length


def _kinds(iinf: bytes) -> Iterator[tuple[int, str]]:
    """Numbers of the items that hold metadata, with their kinds."""
    start = 8 if iinf[:1] > b"\0" else 6  # version and flags, and the count
    for name, info in _boxes(iinf, start):
        if name != b"infe" or info[:1] < b"\2":
            continue
        cursor = _Cursor(info, 4)
        number = cursor.number(2 if info[0] == 2 else 4)
        cursor.take(2)  # protection
        kind = cursor.take(4)
        cursor.text()
        if kind == b"Exif":
            yield number, "exif"
        elif kind == b"mime" and cursor.text() == b"application/rdf+xml":
            yield number, "xmp"


def _places(iloc: bytes) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """For each item its number, whether it lies in the box "idat", and offsets and lengths."""
    if not iloc:
        return
    cursor = _Cursor(iloc)
    version = cursor.number(4) >> 24
    sizes = cursor.number(2)
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 2 if version < 2 else 4
    for _ in range(min(cursor.number(wide), _MAX_ITEMS)):
        number = cursor.number(wide)
        method = cursor.number(2) & 15 if version else 0
        cursor.take(2)  # the file it lies in: this one
        base = cursor.number(of_base)
        extents = []
        for _ in range(min(cursor.number(2), _MAX_EXTENTS)):
            if version:
                cursor.take(of_index)
            offset = cursor.number(of_offset)
            extents.append((base + offset, cursor.number(of_length)))
        yield number, method == 1, extents
