"""Lossy codecs that people meet, at random strength; on and off their grid, once and twice."""

from __future__ import annotations

import numpy as np
from PIL import Image

from trainer.images.operations import encode, jpeg, resize


def _fine_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return jpeg(image, int(rng.integers(90, 99)), int(rng.choice([0, 2])))


def _coarse_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return jpeg(image, int(rng.integers(40, 90)), int(rng.choice([0, 2])))


def _cropped_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Off the codec's grid, which the container no longer tells of."""
    top, left = rng.integers(0, 8, 2)
    return jpeg(image, int(rng.integers(60, 98)), int(rng.choice([0, 2])))[top or 1 :, left:]


def _twice_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _coarse_jpeg(_cropped_jpeg(image, rng), rng)


def _resized_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return resize(jpeg(image, int(rng.integers(60, 96))), float(rng.uniform(0.5, 2)))


def _fine_webp(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return encode(image, "WEBP", quality=int(rng.integers(90, 100)))


def _webp(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return encode(image, "WEBP", quality=int(rng.integers(40, 90)))


def _avif(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return encode(image, "AVIF", quality=int(rng.integers(35, 90)), speed=8)


def _jpeg2000(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rate = float(rng.uniform(8, 40))
    return encode(
        image, "JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True
    )


def _half_chroma(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours at half the size, as codecs of video store them; luma as it is."""
    luma, *chroma = Image.fromarray(image).convert("YCbCr").split()
    half = (max(1, luma.width // 2), max(1, luma.height // 2))
    kernel = Image.Resampling.BILINEAR
    small = [
        plane.resize(half, Image.Resampling.BOX).resize(luma.size, kernel) for plane in chroma
    ]
    return np.asarray(Image.merge("YCbCr", [luma, *small]).convert("RGB"))


def _palette(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    dither = Image.Dither.FLOYDSTEINBERG if rng.random() < 0.5 else Image.Dither.NONE
    colours = int(rng.choice([16, 64, 128, 256]))
    picture = Image.fromarray(image).quantize(colours, dither=dither)
    return np.asarray(picture.convert("RGB"))


FINE = {"fine jpeg": _fine_jpeg, "fine webp": _fine_webp}
COARSE = {
    "jpeg": _coarse_jpeg,
    "cropped jpeg": _cropped_jpeg,
    "jpeg twice": _twice_jpeg,
    "resized jpeg": _resized_jpeg,
    "webp": _webp,
    "avif": _avif,
    "jpeg 2000": _jpeg2000,
    "half chroma": _half_chroma,
    "palette": _palette,
}
