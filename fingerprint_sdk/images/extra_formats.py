"""Formats that Pillow needs another package for: HEIC and JPEG XL.

They are known by their first bytes, since whoever has such a file should hear which package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.extras import install_command, need
from fingerprint_sdk.images.jxl_header import jxl_header
from fingerprint_sdk.images.limits import check_size
from fingerprint_sdk.process.cores import cores

HEAD = 32  # bytes, which the marks of these formats lie in
BARE_JXL = b"\xff\x0a"
"""What a JPEG XL file without a container begins with."""

_HEVC = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"})
_AV1 = frozenset({b"avif", b"avis"})
_ANY = frozenset({b"mif1", b"msf1"})  # brands of both


@dataclass(frozen=True)
class ExtraFormat:
    """A format that an extra of this package brings.

    Attributes:
        name: for messages.
        plugin: how Pillow spells it.
        extra: of this package.
        module: that the extra installs.
        begins: whether the first ``HEAD`` bytes of a file are of this format.
    """

    name: str
    plugin: str
    extra: str
    module: str
    begins: Callable[[bytes], bool]

    @property
    def installed(self) -> bool:
        """Whether it can be read."""
        try:
            return find_spec(self.module) is not None
        except ValueError:  # somebody has blocked the module
            return False

    @property
    def hint(self) -> str:
        """What to do to have it read."""
        return f"{self.name} needs {install_command(self.extra)}"


def brands(head: bytes) -> frozenset[bytes]:
    """Of an ISO media file (ISO/IEC 14496-12, 4.3), from its first bytes; none of another."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset(head[place : place + 4] for place in (8, *range(16, end, 4)))


def _is_heic(head: bytes) -> bool:
    found = brands(head)
    return bool(found & _HEVC) or bool(found & _ANY and not found & _AV1)


def _is_jxl(head: bytes) -> bool:
    return head.startswith((BARE_JXL, b"\0\0\0\x0cJXL \r\n\x87\n"))


HEIC = ExtraFormat("HEIC", "HEIF", "heif", "pillow_heif", _is_heic)
JXL = ExtraFormat("JPEG XL", "JXL", "jxl", "pillow_jxl", _is_jxl)
EXTRA_FORMATS = (HEIC, JXL)


def extra_format(head: bytes) -> ExtraFormat | None:
    """That of a file by its first bytes; None for all other formats."""
    return next((one for one in EXTRA_FORMATS if one.begins(head)), None)


def plugin_for(encoded: bytes, name: str) -> str | None:
    """Pillow's format of an encoded image of an extra format, made ready to be read; else None.

    Raises:
        ImageError: the extra is not installed, or the image is one that its plug-in should not
            be given.
    """
    found = extra_format(encoded[:HEAD])
    if found is None:
        return None
    if not found.installed:
        raise ImageError(f"{name} cannot be read: {found.hint}. Or save it as PNG")
    if found is JXL:  # its plug-in decodes before it tells the size
        header = jxl_header(encoded)
        if header is None:
            raise ImageError(f"cannot decode {name}: its header is broken, or too odd to be read")
        check_size(header.size, name, found.plugin)
        if header.animated:
            raise ImageError(f"{name} is an animation: give the frame you mean as PNG")
    _register(found)
    return found.plugin


@cache
def _register(found: ExtraFormat) -> None:
    module = need(found.module, found.extra, f"reading {found.name}")
    # Images are decoded side by side here, so a decoder needs no threads of its own.
    if found is HEIC:
        module.register_heif_opener(decode_threads=min(4, cores()), thumbnails=False)
    else:
        plugin = need("pillow_jxl.JpegXLImagePlugin", found.extra, f"reading {found.name}")
        plugin.DECODE_THREADS = 0
