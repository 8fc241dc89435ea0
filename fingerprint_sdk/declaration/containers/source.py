"""A file read at places, and no more of it than is bounded here."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import IO, Literal

Kind = Literal["c2pa", "exif", "xmp", "iptc", "text", "comment"]

MAX_PART = 4 * 2**20
"""Bytes of one part, also once it is decompressed: a workflow of ComfyUI has up to 3 MB."""

MAX_TOTAL = 8 * 2**20
"""The same of all parts of a file together, but for C2PA."""

MAX_C2PA = 16 * 2**20
"""Bytes of C2PA manifest stores, which may hold thumbnails."""

MAX_STEPS = 100_000
"""Chunks, segments or boxes walked over: a PNG file of 800 MB has as many of 8 KiB."""

_MAX_NOTES = 20


@dataclass(frozen=True)
class Part:
    """A piece of metadata as the container keeps it.

    Attributes:
        kind: what it is.
        data: its bytes, without the container's own wrapping; of "text" UTF-8.
        name: keyword of a text.
    """

    kind: Kind
    data: bytes
    name: str = ""


class Source:
    """An image file, and what of it could not be read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = {False: MAX_TOTAL, True: MAX_C2PA}
        self.size = size
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out and why, each once."""
        return tuple(self._notes)

    def note(self, text: str) -> None:
        """Remember what could not be read."""
        if len(self._notes) < _MAX_NOTES:
            self._notes[text] = None

    def at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from a place: fewer at the end of the file."""
        if offset >= self.size or offset < 0:
            return b""
        self._file.seek(offset)
        return self._file.read(length)

    def part(self, offset: int, length: int, what: str, *, c2pa: bool = False) -> bytes:
        """The bytes of a part, empty with a note if they are too many.

        Args:
            offset, length: where in the file.
            what: for the note.
            c2pa: it is of a C2PA manifest store, and counts apart.

        Raises:
            ValueError: the file ends before.
        """
        if offset + length > self.size:
            raise ValueError("cut short")
        return self.at(offset, length) if self._may_be_kept(length, what, c2pa=c2pa) else b""

    def kept(self, data: bytes, what: str) -> bytes:
        """Bytes of a part that was read, once more; empty with a note if they are too many."""
        return data if self._may_be_kept(len(data), what, c2pa=False) else b""

    def _may_be_kept(self, length: int, what: str, *, c2pa: bool) -> bool:
        if length > min(MAX_C2PA if c2pa else MAX_PART, self._left[c2pa]):
            self.note(f"{what} of {length:,} bytes was not read: that is more than is looked at")
            return False
        self._left[c2pa] -= length
        return True

    def inflated(self, data: bytes, what: str) -> bytes:
        """zlib data decompressed, empty with a note if it is broken or becomes too long."""
        limit = min(MAX_PART, self._left[False])
        try:
            found = zlib.decompressobj().decompress(data, limit + 1)
        except zlib.error:
            self.note(f"{what} cannot be decompressed")
            return b""
        if len(found) > limit:
            self.note(f"{what} was not read: decompressed it is more than is looked at")
            return b""
        self._left[False] -= len(found)
        return found
