"""What may make an image's fingerprint weak, and what else its file and its pixels tell.

Resampling is left out: upsampling layers inside a generator leave the same traces.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.images.decode import LoadedImage
from fingerprint_sdk.images.grid import WINDOW_BUDGET, WINDOW_SIZE, windows
from fingerprint_sdk.images.jpeg import estimate_jpeg_quality, was_jpeg

FLAT_POWER = 0.05
"""Mean squared Laplacian, in grey levels squared, below which a window is flat."""

LEAST_SIDE = 64
"""Pixels of a side from which something can be said of an image: in less, nearly all that is seen
is our own enlargement, which strangers share (benchmarks/quality/tiny.py)."""

GREY_SPREAD = 1
"""Grey levels that the channels of a grey image may differ by: rounding in colour conversions."""

_ROWS = 256  # of an image that are looked at together, for the sake of memory

_FLAGS = ("too_small", "tiny", "lossy", "flat", "grey", "untypical")
_UNFIT = ("flat", "tiny", "untypical")


@dataclass(frozen=True)
class Quality:
    """What may make the fingerprint of one image weak, and which image it is.

    Attributes:
        width, height: in pixels.
        format: container format ("PNG", "JPEG", ...), None for pixels without one.
        too_small: a side is shorter than 128 pixels, so the image had to be enlarged.
        jpeg_quality: 1 to 100, the libjpeg setting whose table is as coarse as the file's; None
            when the input is not a JPEG file.
        lossy: compression or a palette changed the pixels, as the container tells or, for
            pixels that were a JPEG file once, their rounded DCT coefficients. False when the
            container is lossless and no such trace is found, None when there is no container.
        flat: next to no residual anywhere, so next to no fingerprint: any score of it is
            meaningless.
        windows: how many the fingerprint is the mean of, see ``counted``.
        grey: the three channels are equal everywhere, but for ``GREY_SPREAD``, so that the
            fingerprint lacks how the colours of a generator hang together.
        digest: 16 hexadecimal digits of the SHA-256 of the shape and the pixels: equal for the
            same picture in two lossless containers.
        subsampling: of the colours of a JPEG file, "4:4:4", "4:2:2", "4:2:0", ...; None for
            other images.
        jpeg_tables: see ``LoadedImage``; left out of ``to_dict``.
        deviation: how far the signal lies from that of unprocessed images, median over windows; 1
            is as far as any image that the model was calibrated for. None where the model does
            not measure it. Equations: docs/method.md#typicality.
    """

    width: int
    height: int
    format: str | None
    too_small: bool
    jpeg_quality: int | None
    lossy: bool | None
    flat: bool
    windows: int
    grey: bool = False
    digest: str = ""
    subsampling: str | None = None
    jpeg_tables: tuple[tuple[int, ...], ...] = ()
    deviation: float | None = None

    @property
    def tiny(self) -> bool:
        """Whether a side is shorter than ``LEAST_SIDE``."""
        return min(self.width, self.height) < LEAST_SIDE

    @property
    def untypical(self) -> bool:
        """Whether it is like nothing that the model was calibrated for: ``deviation`` over 1."""
        return self.deviation is not None and self.deviation > 1

    @property
    def unfit(self) -> str | None:
        """Why nothing can be said of it: "flat", "tiny" or "untypical"; None if something can."""
        return next((name for name in _UNFIT if getattr(self, name)), None)

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the problems found, for people: "too_small", "tiny", "lossy", "flat", "grey",
        "untypical"."""
        return tuple(name for name in _FLAGS if getattr(self, name))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        plain = asdict(self)
        del plain["jpeg_tables"]
        return {**plain, "flags": list(self.flags)}


def no_fingerprint(quality: Quality) -> str | None:
    """Why an image has no fingerprint of a generator that could be kept, as the end of a sentence.

    None if it has one. An untypical one has, though nothing can be said of it.
    """
    if quality.flat:
        return "is flat: it has no fingerprint"
    if quality.tiny:
        return f"is tiny: a side is shorter than {LEAST_SIDE} pixels, so it has no fingerprint"
    return None


def assess(image: LoadedImage, windows: npt.NDArray[np.uint8]) -> Quality:
    """Judge one image.

    Args:
        image: the decoded image.
        windows: uint8, shape (n, 3, 128, 128), those that count.
    """
    height, width = image.pixels.shape[:2]
    return Quality(
        width=width,
        height=height,
        format=image.format,
        too_small=min(height, width) < WINDOW_SIZE,
        jpeg_quality=estimate_jpeg_quality(image.jpeg_tables[0]) if image.jpeg_tables else None,
        lossy=True if image.lossy or was_jpeg(image.pixels) else image.lossy,
        flat=bool((residual_power(windows) < FLAT_POWER).all()),
        windows=len(windows),
        grey=is_grey(image.pixels),
        digest=pixel_digest(image.pixels),
        subsampling=image.subsampling,
        jpeg_tables=image.jpeg_tables,
    )


def is_grey(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether no pixel's channels differ by more than ``GREY_SPREAD``.

    Args:
        pixels: uint8, shape (height, width, 3).
    """
    # Most images show their colours in a few pixels.
    return _all_grey(pixels[::16, ::16]) and all(
        _all_grey(pixels[top : top + _ROWS]) for top in range(0, len(pixels), _ROWS)
    )


def pixel_digest(pixels: npt.NDArray[np.uint8]) -> str:
    """See ``Quality.digest``.

    Args:
        pixels: uint8, shape (height, width, 3).
    """
    total = hashlib.sha256(repr(pixels.shape).encode())
    total.update(np.ascontiguousarray(pixels).data)
    return total.hexdigest()[:16]


def _all_grey(pixels: npt.NDArray[np.uint8]) -> bool:
    red, green, blue = (pixels[:, :, channel] for channel in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    return bool((highest - lowest <= GREY_SPREAD).all())


def counted_windows(
    pixels: npt.NDArray[np.uint8],
    per_axis: int | None = None,
    *,
    budget: int = WINDOW_BUDGET,
) -> npt.NDArray[np.uint8]:
    """Those of ``grid.windows`` that count, see ``counted``: what an image is embedded by."""
    cut = windows(pixels, per_axis, budget=budget)
    return cut[counted(cut)]


def counted(windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which windows an image's embedding is the mean of: none that are flat, and each once.

    Flat windows all embed alike, whoever made the image, and a tiled or padded image would
    outvote itself. Where all are flat, the first one counts.

    Args:
        windows: uint8, shape (n, 3, 128, 128), n >= 1.

    Returns:
        bool, shape (n,), at least one True.
    """
    places = {window.tobytes(): place for place, window in reversed(list(enumerate(windows)))}
    counts = np.zeros(len(windows), np.bool_)
    counts[list(places.values())] = True  # of equal windows the first
    counts &= residual_power(windows) >= FLAT_POWER
    counts[0] |= not counts.any()
    return counts


def residual_power(windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Mean squared Laplacian of each window's green channel, in grey levels squared.

    Args:
        windows: uint8, shape (n, 3, 128, 128).

    Returns:
        float64, shape (n,).
    """
    green = windows[:, 1].astype(np.int16)
    sides = green[:, :-2, 1:-1] + green[:, 2:, 1:-1] + green[:, 1:-1, :-2] + green[:, 1:-1, 2:]
    laplacian = (sides - 4 * green[:, 1:-1, 1:-1]).astype(np.float32)
    return np.asarray(np.square(laplacian).mean(axis=(1, 2)), np.float64)
