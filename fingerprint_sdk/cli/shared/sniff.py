"""Files that are images by their content, whatever their names end in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fingerprint_sdk.images.extra_formats import ExtraFormat

_HEAD = 32  # bytes, which the marks of all these formats lie in
# Half a download begins like the whole.
_UNFINISHED = frozenset({".part", ".partial", ".crdownload", ".download"})
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_TIFF = (b"II*\0", b"MM\0*")
# Sizes of the header behind the file's own: OS/2, Windows 3, versions 2 to 5.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


def is_image(path: Path) -> bool:
    """Whether a file begins like PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF, or like HEIC or JPEG XL
    where that can be read.

    TIFF only for a name without an ending, since camera raw files begin like it as well. False
    for downloads by their endings unfinished, and for what cannot be read.
    """
    head = _head(path)
    if head.startswith(_TIFF):
        return not path.suffix
    if head.startswith(_BEGINNINGS) or _is_webp(head) or _is_avif(head) or _is_bmp(head):
        return True
    other = other_format(path)
    return other is not None and other.installed


def other_format(path: Path) -> ExtraFormat | None:
    """HEIC or JPEG XL, by a file's first bytes; None for other files, and for unfinished ones."""
    from fingerprint_sdk.images.extra_formats import BARE_JXL, extra_format

    head = _head(path)
    if head.startswith(BARE_JXL) and path.suffix.lower() != ".jxl":
        return None  # two bytes, which anything may begin with
    return extra_format(head)


def _head(path: Path) -> bytes:
    """The first bytes of a file; none of what cannot be read, or is half a download."""
    if path.suffix.lower() in _UNFINISHED or not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _is_avif(head: bytes) -> bool:
    """By its brands (ISO/IEC 14496-12, 4.3): HEIC has the same box with others."""
    brands = {head[place : place + 4] for place in (8, *range(16, _HEAD, 4))}
    return head[4:8] == b"ftyp" and bool(brands & {b"avif", b"avis"})


def _is_bmp(head: bytes) -> bool:
    """By more than its two letters, which a text may begin with, too."""
    size = int.from_bytes(head[14:18], "little")
    return head.startswith(b"BM") and head[6:10] == bytes(4) and size in _BMP_HEADERS
