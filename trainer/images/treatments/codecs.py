"""Lossy codecs that people meet, at random strength; on and off their grid, once and twice."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import fft, ndimage

from trainer.images.operations import encode, jpeg, resize
from trainer.images.treatments.noises import grey_levels

_SIZES = (0.5, 2 / 3, 0.75, 0.8, 1.25, 4 / 3, 1.5, 2.0)


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
    factor = rng.choice(_SIZES) if rng.random() < 0.5 else rng.uniform(0.5, 2)
    return resize(jpeg(image, int(rng.integers(60, 96))), float(factor))


def _fine_webp(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return encode(image, "WEBP", quality=int(rng.integers(90, 100)))


def _webp(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return encode(image, "WEBP", quality=int(rng.integers(40, 90)))


def _resized_webp(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    factor = rng.choice(_SIZES) if rng.random() < 0.3 else rng.uniform(0.5, 2)
    codec = _webp if rng.random() < 0.7 else _avif
    return resize(codec(image, rng), float(factor))


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


def _block_transform(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As in frames of a video: cosines of blocks of 4 to 32 px, rounded; edges smoothed or not."""
    side, step = int(rng.choice((4, 8, 16, 32))), float(rng.uniform(4, 40))
    rise, chroma = float(rng.choice((0, 0.05, 0.15))), float(rng.choice((1, 2)))
    colours = np.asarray(Image.fromarray(image).convert("YCbCr"), np.float64)
    height, width = (length // side * side for length in image.shape[:2])
    rows, columns = np.mgrid[:side, :side]
    steps = step * (1 + rise * (rows + columns))
    blocks = colours[:height, :width].reshape(height // side, side, width // side, side, 3)
    found = fft.dctn(blocks, axes=(1, 3), norm="ortho")
    for plane in range(3):
        wide = steps[:, None, :] * (chroma if plane else 1)
        found[..., plane] = np.rint(found[..., plane] / wide) * wide
    made = fft.idctn(found, axes=(1, 3), norm="ortho").reshape(height, width, 3)
    if rng.random() < 0.5:
        soft = ndimage.uniform_filter(made, (3, 3, 1))
        down, right = np.arange(height) % side, np.arange(width) % side
        edge = np.isin(down, (0, side - 1))[:, None] | np.isin(right, (0, side - 1))[None]
        made[edge] = soft[edge]
    levels = grey_levels(made)
    return np.asarray(Image.fromarray(levels, "YCbCr").convert("RGB"))


def _wavelets(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Haar's wavelets, one to three levels, small ones taken away; at one place or at several."""
    levels, limit, several = int(rng.integers(1, 4)), float(rng.uniform(2, 15)), rng.random() < 0.5
    shifts = ((0, 0), (1, 0), (0, 1), (1, 1)) if several else ((0, 0),)
    total = np.zeros(image.shape)
    for shift in shifts:
        moved = np.roll(image.astype(np.float64), shift, (0, 1))
        total += np.roll(_shrunk_wavelets(moved, levels, limit), (-shift[0], -shift[1]), (0, 1))
    return grey_levels(total / len(shifts))


def _shrunk_wavelets(values: np.ndarray, levels: int, limit: float) -> np.ndarray:
    height, width = (length // 2 * 2 for length in values.shape[:2])
    if not levels or not height or not width:
        return values
    a, b = values[:height:2, :width:2], values[:height:2, 1:width:2]
    c, d = values[1:height:2, :width:2], values[1:height:2, 1:width:2]
    mean = _shrunk_wavelets((a + b + c + d) / 4, levels - 1, limit)
    details = [(a - b + c - d) / 4, (a + b - c - d) / 4, (a - b - c + d) / 4]
    x, y, z = (np.sign(v) * np.maximum(np.abs(v) - limit / 2, 0) for v in details)
    out = values.copy()
    out[:height:2, :width:2], out[:height:2, 1:width:2] = mean + x + y + z, mean - x + y - z
    out[1:height:2, :width:2], out[1:height:2, 1:width:2] = mean + x - y - z, mean - x - y + z
    return out


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
    "resized webp": _resized_webp,
    "jpeg 2000": _jpeg2000,
    "half chroma": _half_chroma,
    "block transform": _block_transform,
    "wavelets": _wavelets,
    "palette": _palette,
}
