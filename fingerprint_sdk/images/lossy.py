"""Did an image's container change its pixels?"""

from __future__ import annotations

from PIL import Image


def is_lossy(image: Image.Image, encoded: bytes) -> bool | None:
    """See ``LoadedImage.lossy``.

    Args:
        image: opened by Pillow.
        encoded: the file; empty if it is not at hand.
    """
    if image.format is None:
        return None
    if image.format in ("JPEG", "MPO") or image.mode in ("P", "PA"):
        return True
    if image.format == "WEBP":
        return _webp_lossy(encoded) if encoded else None
    if image.format == "TIFF":
        return image.info.get("compression") in ("jpeg", "tiff_jpeg", "webp")
    if image.format in ("AVIF", "JPEG2000"):
        return None if image.format == "JPEG2000" else True
    return False


def _webp_lossy(encoded: bytes) -> bool:
    """Walk the RIFF chunks to the image data: "VP8 " is lossy, "VP8L" lossless."""
    offset = 12
    while offset + 8 <= len(encoded):
        kind, size = encoded[offset : offset + 4], encoded[offset + 4 : offset + 8]
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8 "
        length = int.from_bytes(size, "little")
        offset += 8 + length + length % 2
    return True
