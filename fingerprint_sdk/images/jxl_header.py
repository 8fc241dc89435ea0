"""The size of a JPEG XL image, read from its first bytes (ISO/IEC 18181-1, annex A and D)."""

from __future__ import annotations

from dataclasses import dataclass

_CODESTREAM = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_NEEDED = 64  # bytes, more than any header up to the animation's flag


@dataclass(frozen=True)
class JxlHeader:
    """Width and height in pixels as stored, and whether there are several frames."""

    size: tuple[int, int]
    animated: bool


class _Bits:
    """Bits of some bytes, the lowest of each first."""

    def __init__(self, content: bytes) -> None:
        self.left = int.from_bytes(content, "little")
        self.count = 8 * len(content)

    def take(self, bits: int) -> int:
        if bits > self.count:
            raise ValueError("cut short")
        value = self.left & ((1 << bits) - 1)
        self.left >>= bits
        self.count -= bits
        return value


def jxl_header(encoded: bytes) -> JxlHeader | None:
    """What the header of a JPEG XL file says; None if it cannot be read."""
    stream = _codestream(encoded)
    if not stream.startswith(_CODESTREAM):
        return None
    bits = _Bits(stream[2:_NEEDED])
    try:
        size = _size(bits)
        if bits.take(1) or not bits.take(1):  # all is as usual, or there are no extra fields
            return JxlHeader(size, False)
        bits.take(3)  # the orientation
        if bits.take(1):  # a size for display
            _size(bits)
        if bits.take(1):  # a preview, which no encoder makes
            return None
        return JxlHeader(size, bool(bits.take(1)))
    except ValueError:
        return None


def _size(bits: _Bits) -> tuple[int, int]:
    small = bool(bits.take(1))
    height = _side(bits, small)
    ratio = bits.take(3)
    if not ratio:
        return _side(bits, small), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _side(bits: _Bits, small: bool) -> int:
    if small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_SIDE_BITS[bits.take(2)])


def _codestream(encoded: bytes) -> bytes:
    """The first bytes of the codestream: the file itself, or of a box in it."""
    if encoded.startswith(_CODESTREAM):
        return encoded[:_NEEDED]
    offset = 0
    while offset + 8 <= len(encoded):
        length = int.from_bytes(encoded[offset : offset + 4], "big")
        kind = encoded[offset + 4 : offset + 8]
        start = offset + 8
        if length == 1:
            length, start = int.from_bytes(encoded[start : start + 8], "big"), start + 8
        if kind in (b"jxlc", b"jxlp"):
            start += 4 * (kind == b"jxlp")  # the number of the part
            return encoded[start : start + _NEEDED]
        if length < start - offset:  # to the end of the file, or broken
            break
        offset += length
    return b""
