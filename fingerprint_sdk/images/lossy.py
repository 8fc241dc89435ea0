"""Did an image's container change its pixels?

Where that cannot be known, the answer is yes: recompressed images have the stricter thresholds.
"""

from __future__ import annotations

from typing import cast

from PIL import Image

from fingerprint_sdk.images.pillow import file_of

# Containers without lossy compression; a palette in them is told by the mode.
_LOSSLESS = frozenset({"PNG", "BMP", "DIB", "GIF", "PPM", "TGA", "PCX", "SGI", "QOI"})
_LOSSLESS_TIFF = frozenset(
    {"raw", "tiff_raw_16", "tiff_ccitt", "group3", "group4", "packbits"}
    | {"tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "lzma", "zstd"}
)
# Of these Pillow does not say how they are compressed: the file itself does.
_FILE_TELLS = frozenset({"WEBP", "JPEG2000"})
# On an image that was opened from a file object, which is out of reach once it is loaded: what the
# file said, for the next time the image is given. Copies of the image do not have it.
_ANSWER = "_fingerprint_lossy"

_SOC_SIZ, _COD, _SOT = b"\xff\x4f\xff\x51", b"\xff\x52", b"\xff\x90"


def is_lossy(image: Image.Image, encoded: bytes) -> bool | None:
    """See ``LoadedImage.lossy``.

    Args:
        image: opened by Pillow.
        encoded: the file; empty if it is not at hand.
    """
    if image.format is None:
        return None
    if image.mode in ("P", "PA"):
        return True
    if image.format == "WEBP":
        return _webp_lossy(encoded)
    if image.format == "JPEG2000":
        return _jpeg2000_lossy(encoded)
    if image.format == "TIFF":
        return image.info.get("compression") not in _LOSSLESS_TIFF
    return image.format not in _LOSSLESS


def opened_lossy(image: Image.Image) -> bool | None:
    """``is_lossy`` of an image somebody else opened; to be asked before it is loaded."""
    if image.format not in _FILE_TELLS:
        return is_lossy(image, b"")
    if not hasattr(image, _ANSWER):
        setattr(image, _ANSWER, is_lossy(image, file_of(image)))
    return cast("bool | None", getattr(image, _ANSWER))


def _webp_lossy(encoded: bytes) -> bool:
    """Walk the RIFF chunks to the image data: "VP8 " is lossy, "VP8L" lossless."""
    offset = 12
    while offset + 8 <= len(encoded):
        kind, size = encoded[offset : offset + 4], encoded[offset + 4 : offset + 8]
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8 "
        if kind == b"ANMF":  # a frame: 16 bytes about it, and its own chunks
            offset += 24
            continue
        length = int.from_bytes(size, "little")
        offset += 8 + length + length % 2
    return True


def _jpeg2000_lossy(encoded: bytes) -> bool | None:
    """True for the irreversible 9-7 wavelet (ISO/IEC 15444-1, A.6.1).

    None for the reversible 5-3 one: it may be lossless, or may have been cut to a size.
    """
    offset = encoded.find(_SOC_SIZ) + 2
    while 2 <= offset <= len(encoded) - 14 and encoded[offset : offset + 2] != _SOT:
        if encoded[offset : offset + 2] == _COD:
            return None if encoded[offset + 13] == 1 else True
        offset += 2 + int.from_bytes(encoded[offset + 2 : offset + 4], "big")
    return True
