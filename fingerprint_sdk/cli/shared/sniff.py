"""Files that are images by their content, whatever their names end in."""

from __future__ import annotations

from pathlib import Path

_HEAD = 32  # bytes, which the marks of all these formats lie in
# Half a download begins like the whole.
_UNFINISHED = frozenset({".part", ".partial", ".crdownload", ".download"})
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_TIFF = (b"II*\0", b"MM\0*")
# Sizes of the header behind the file's own: OS/2, Windows 3, versions 2 to 5.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


def is_image(path: Path) -> bool:
    """Whether a file begins like PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF.

    TIFF only for a name without an ending, since camera raw files begin like it as well. False
    for downloads by their endings unfinished, and for what cannot be read.
    """
    if path.suffix.lower() in _UNFINISHED:
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    if head.startswith(_TIFF):
        return not path.suffix
    return head.startswith(_BEGINNINGS) or _is_webp(head) or _is_avif(head) or _is_bmp(head)


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
