"""How large an image may be, so that decoding takes no more memory than is said here.

At most 1.5 GB for one image, and no more than that for all that a process decodes at once: a large
image waits for the others, and small ones go on side by side.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.process.forks import renewed_after_fork

MAX_PIXELS = 178_956_970
"""Images larger than this are refused (Pillow's own limit for decompression bombs)."""

MAX_BYTES = 3 * MAX_PIXELS + 2**20
"""Files larger than this are refused: an uncompressed image of ``MAX_PIXELS`` is one."""

# Of these the decoders take more memory, with Pillow 12.3: 19 bytes a pixel for JPEG 2000, 16 for
# WebP, 9 for AVIF and 7 for the others. It is 4 for PNG, and up to 7 for JPEG.
_FEWER = {"JPEG2000": 2**26, "WEBP": 2**26, "AVIF": 2**27, "HEIF": 2**27, "JXL": 2**27}

_MOST_SCANS = 500  # encoders make about ten; a scan of next to no bytes takes as long as any other

_LARGE = 2**23  # pixels of an image whose memory is worth some milliseconds

_AT_ONCE = 2**25  # pixels that are decoded side by side, however many threads there are


def check_size(size: tuple[int, int], name: str, kind: str | None = None) -> None:
    """Raise ImageError for an image that is too large, or has no pixels.

    Args:
        size: width and height, in pixels.
        name: of the image, for the message.
        kind: its format, as Pillow spells it; None for one without.
    """
    width, height = size
    most = _FEWER.get(kind or "", MAX_PIXELS)
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels")
    if width * height > most:
        raise ImageError(
            f"{name} has {width}x{height} pixels, too large: more than {most}"
            f"{f' in format {kind}' if most < MAX_PIXELS else ''}; crop it"
        )


def check_scans(encoded: bytes, name: str) -> None:
    """Raise ImageError for a JPEG file of so many scans that it would take hours to decode."""
    # In compressed data each 0xFF is followed by a zero or a restart marker.
    if encoded.startswith(b"\xff\xd8") and encoded.count(b"\xff\xda") > _MOST_SCANS:
        raise ImageError(f"{name} has more than {_MOST_SCANS} scans: save it again")


class _Turns:
    """Who may decode now: some at once as long as their pixels are few, in the order of asking."""

    def __init__(self) -> None:
        self.after_fork()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """In a child, nobody else decodes."""
        self._first = threading.Lock()  # held by whoever is the next
        self._changed = threading.Condition()
        self._pixels = 0

    @contextmanager
    def of(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and keep it meanwhile."""
        changed = self._changed
        with self._first, changed:
            changed.wait_for(lambda: not self._pixels or self._pixels + pixels <= _AT_ONCE)
            self._pixels += pixels
        try:
            yield
        finally:
            if pixels > _LARGE:
                _give_back()
            with changed:
                self._pixels -= pixels
                changed.notify()


turns = _Turns()


def _give_back() -> None:
    """Free memory to the system: the GNU C library would keep the last image's for each thread."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
