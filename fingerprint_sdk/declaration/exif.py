"""EXIF tags that tell how an image was made."""

from __future__ import annotations

from typing import Any

from PIL import Image

from fingerprint_sdk.declaration.generation import generation_statements
from fingerprint_sdk.declaration.statement import Kind, Statement, statement
from fingerprint_sdk.images.pillow import quiet_pillow

_EXIF_IFD = 0x8769
_TAGS: dict[int, tuple[str, Kind]] = {
    0x010F: ("Make", "camera"),
    0x0110: ("Model", "camera"),
    0x0131: ("Software", "tool"),
    0x010E: ("ImageDescription", "prompt"),
    0x013B: ("Artist", "person"),
    0x8298: ("Copyright", "person"),
    0x9C9B: ("XPTitle", "prompt"),
    0x9C9C: ("XPComment", "prompt"),
    0x9C9D: ("XPAuthor", "person"),
}
_USER_COMMENT = 0x9286
_LENS = 0xA434


def exif_statements(data: bytes) -> tuple[list[Statement], str]:
    """What EXIF says, and why no more could be read (mostly empty)."""
    try:
        with quiet_pillow():
            tags = Image.Exif()
            tags.load(data if data.startswith(b"Exif\0\0") else b"Exif\0\0" + data)
            values = {number: tags.get(number) for number in _TAGS}
            inner = tags.get_ifd(_EXIF_IFD)
            comment, lens = inner.get(_USER_COMMENT), inner.get(_LENS)
    except Exception:  # Pillow raises almost anything on broken EXIF
        return [], "EXIF is broken"
    found: list[Statement] = []
    for number, value in values.items():
        name, kind = _TAGS[number]
        text = _text(value, "utf-16-le" if name.startswith("XP") else "")
        found += _read(name, text, kind)
    found += statement("EXIF", "LensModel", _text(lens), "camera")
    found += _read("UserComment", _comment(comment), "prompt")
    return found, ""


def _read(name: str, text: str, kind: Kind) -> list[Statement]:
    """Programs keep in a tag what they would keep in a text of a PNG file.

    ComfyUI writes ``prompt:{...}`` and ``workflow:{...}`` into Make, Model and the like.
    """
    keyword, colon, rest = text.partition(":")
    if colon and keyword.lower() in ("prompt", "workflow") and rest.lstrip().startswith("{"):
        return generation_statements(keyword.lower(), rest)
    if kind == "prompt" and (found := generation_statements("parameters", text)):
        return found
    return statement("EXIF", name, text, kind)


def _text(value: Any, encoding: str = "") -> str:
    if isinstance(value, tuple) and all(isinstance(one, int) for one in value):
        value = bytes(one & 255 for one in value)
    if isinstance(value, bytes):
        return value.decode(encoding or "utf-8", "replace").strip("\0 ")
    return value.strip("\0 ") if isinstance(value, str) else ""


def _comment(value: Any) -> str:
    """UserComment: eight bytes name its character code (CIPA DC-008, 4.6.5)."""
    if not isinstance(value, bytes):
        return _text(value)
    code, text = value[:8], value[8:]
    if code == b"UNICODE\0":
        # In either byte order, whatever that of the file is: most letters have a zero byte.
        big = text[::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", "replace").strip("\0 ")
    return _text(text if code in (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8)) else value)
