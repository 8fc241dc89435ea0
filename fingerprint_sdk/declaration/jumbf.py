"""JUMBF boxes (ISO/IEC 19566-5), which hold C2PA manifests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_MAX_BOXES = 20_000
_MAX_DEPTH = 12
_LABEL = 2  # toggle of the description box: it has a label


@dataclass
class SuperBox:
    """A box of boxes.

    Attributes:
        label: its name; empty if it has none.
        boxes: the super boxes in it, in their order.
        contents: what else is in it, as type and bytes.
    """

    label: str = ""
    boxes: list[SuperBox] = field(default_factory=list)
    contents: list[tuple[bytes, memoryview]] = field(default_factory=list)

    def named(self, *labels: str) -> Iterator[SuperBox]:
        """The super boxes in it of any of these labels, numbered ones (``label__1``) as well."""
        return (box for box in self.boxes if box.label.partition("__")[0] in labels)


def read_boxes(data: bytes) -> SuperBox:
    """The outermost super box of ``data``; of one cut short, what is whole.

    Raises:
        ValueError: there is none, or boxes are nested too deep or are too many.
    """
    return _Reader().super_box(memoryview(data))


class _Reader:
    def __init__(self) -> None:
        self._count = 0

    def super_box(self, data: memoryview) -> SuperBox:
        for kind, content in self._boxes(data):
            if kind == b"jumb":
                return self._read(content, 0)
        raise ValueError("no JUMBF box")

    def _read(self, data: memoryview, depth: int) -> SuperBox:
        if depth > _MAX_DEPTH:
            raise ValueError("JUMBF boxes are nested too deep")
        found = SuperBox()
        for kind, content in self._boxes(data):
            if kind == b"jumb":
                found.boxes.append(self._read(content, depth + 1))
            elif kind == b"jumd":
                if len(content) > 17 and content[16] & _LABEL:
                    label = bytes(content[17:400]).partition(b"\0")[0]
                    found.label = label.decode("utf-8", "replace")
            else:
                found.contents.append((kind, content))
        return found

    def _boxes(self, data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
        place = 0
        while place + 8 <= len(data):
            self._count += 1
            if self._count > _MAX_BOXES:
                raise ValueError("there are too many JUMBF boxes")
            length, start = int.from_bytes(data[place : place + 4], "big"), 8
            if length == 1:
                length, start = int.from_bytes(data[place + 8 : place + 16], "big"), 16
            elif length == 0:
                length = len(data) - place
            if length < start:
                return
            yield bytes(data[place + 4 : place + 8]), data[place + start : place + length]
            place += length
