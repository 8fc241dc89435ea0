"""What becomes of images between generator and analyst, as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

BICUBIC, LANCZOS, BILINEAR = (
    getattr(Image.Resampling, name) for name in ("BICUBIC", "LANCZOS", "BILINEAR")
)
Process = Callable[[Image.Image, np.random.Generator], Any]


def scaled(share: float, kernel: Image.Resampling = BICUBIC) -> Process:
    """At a share of both sides."""
    return lambda image, _: image.resize([round(share * side) for side in image.size], kernel)


def anyhow(low: float, high: float) -> Process:
    """At a share and by a kernel that are drawn for each image."""

    def process(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        kernel = (BICUBIC, LANCZOS, BILINEAR)[rng.integers(3)]
        return scaled(float(rng.uniform(low, high)), kernel)(image, rng)

    return process


def as_file(codec: str, **options: Any) -> Process:
    """The bytes of a file."""

    def process(image: Image.Image, _: np.random.Generator) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, codec, **options)
        return buffer.getvalue()

    return process


def then(first: Process, second: Process) -> Process:
    """One after the other."""
    return lambda image, rng: second(opened(first(image, rng)), rng)


def opened(image: Image.Image | bytes) -> Image.Image:
    return Image.open(io.BytesIO(image)).convert("RGB") if isinstance(image, bytes) else image


PROCESSED: dict[str, Process] = {
    "as it is": lambda image, _: image,
    **{
        f"{share:.0%} of the size, {name}": scaled(share, kernel)
        for name, kernel in (("bicubic", BICUBIC), ("lanczos", LANCZOS))
        for share in (0.8, 0.7, 0.63, 0.5)
    },
    "40 to 95 %, any kernel": anyhow(0.4, 0.95),
    "110 to 200 %, any kernel": anyhow(1.1, 2.0),
    **{f"JPEG {q} 4:2:0": as_file("JPEG", quality=q, subsampling=2) for q in (95, 85, 80, 75, 65)},
    **{f"JPEG {q} 4:4:4": as_file("JPEG", quality=q, subsampling=0) for q in (90, 80)},
    **{f"WebP {q}": as_file("WEBP", quality=q) for q in (90, 80, 70)},
    **{f"AVIF {q}": as_file("AVIF", quality=q) for q in (80, 60)},
    "JPEG 85 4:2:0, saved as PNG": then(
        as_file("JPEG", quality=85, subsampling=2), as_file("PNG")
    ),
    "WebP 80, saved as PNG": then(as_file("WEBP", quality=80), as_file("PNG")),
    "80 %, then JPEG 85 4:2:0": then(scaled(0.8), as_file("JPEG", quality=85, subsampling=2)),
}


def as_png(image: Image.Image | bytes) -> bytes:
    """A file's bytes as they are, and an image as those of a PNG file."""
    if isinstance(image, bytes):
        return image
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
