"""EXIF tags (CIPA DC-008) that tell how an image was made.

Read here and not by Pillow, which loads every tag: of a hostile directory with thousands of tags
that share one place, thousands of copies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fingerprint_sdk.declaration.generation import generation_statements
from fingerprint_sdk.declaration.statement import Kind, Statement, statement

_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_TAGS: dict[int, tuple[str, Kind]] = {
    0x010E: ("ImageDescription", "prompt"),
    0x010F: ("Make", "camera"),
    0x0110: ("Model", "camera"),
    0x0131: ("Software", "tool"),
    0x013B: ("Artist", "person"),
    0x8298: ("Copyright", "person"),
    _USER_COMMENT: ("UserComment", "prompt"),
    0x9C9B: ("XPTitle", "prompt"),
    0x9C9C: ("XPComment", "prompt"),
    0x9C9D: ("XPAuthor", "person"),
    0xA430: ("CameraOwnerName", "person"),
    0xA434: ("LensModel", "camera"),
}
_BYTES = frozenset({1, 2, 7, 129})  # types of one byte: numbers, ASCII, undefined, UTF-8
_MAX_ENTRIES = 1000  # of a directory: no camera writes as many


def exif_statements(data: bytes) -> tuple[list[Statement], str]:
    """What EXIF says, and why no more could be read (mostly empty)."""
    found: dict[int, bytes] = {}
    problem = ""
    try:
        for tag, value in _tags(data.removeprefix(b"Exif\0\0")):
            found.setdefault(tag, value)
    except (struct.error, ValueError):
        problem = "EXIF is broken or cut short"
    statements: list[Statement] = []
    for tag, value in found.items():
        name, kind = _TAGS[tag]
        if tag == _USER_COMMENT:
            text = _comment(value)
        else:
            text = value.decode("utf-16-le" if name.startswith("XP") else "utf-8", "replace")
        statements += _read(name, text.strip("\0 "), kind)
    return statements, problem


def _tags(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags of the list above in the first directory and in EXIF's own (TIFF 6.0, 2)."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ValueError("no byte order")
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    directories = [first]
    for number in range(2):
        if number == len(directories):
            return
        (count,) = struct.unpack_from(f"{order}H", data, directories[number])
        for entry in range(min(count, _MAX_ENTRIES)):
            place = directories[number] + 2 + 12 * entry
            tag, kind, length, offset = struct.unpack_from(f"{order}HHII", data, place)
            if tag == _EXIF_IFD and number == 0:
                directories[1:] = [offset]
            elif tag in _TAGS and kind in _BYTES:
                start = place + 8 if length <= 4 else offset
                if start + length > len(data):
                    raise ValueError("cut short")
                yield tag, data[start : start + length]


def _read(name: str, text: str, kind: Kind) -> list[Statement]:
    """Programs keep in a tag what they would keep in a text of a PNG file.

    ComfyUI writes ``prompt:{...}`` and ``workflow:{...}`` into Make, Model and the like.
    """
    keyword, colon, rest = text.partition(":")
    if colon and keyword.lower() in ("prompt", "workflow") and rest.lstrip().startswith("{"):
        return generation_statements(keyword, rest)
    if (kind == "prompt" and text[:1] == "{") or "Steps: " in text:
        found = generation_statements("parameters", text)
        if any(one.source != "PNG" for one in found):
            return found
    return statement("EXIF", name, text, kind)


def _comment(value: bytes) -> str:
    """UserComment: its first eight bytes name the character code (4.6.5)."""
    code, text = value[:8], value[8:]
    if code == b"UNICODE\0":
        # In either byte order, whatever that of the file is: most letters have a zero byte.
        big = text[::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", "replace")
    named = code in (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8))
    return (text if named else value).decode("utf-8", "replace")
