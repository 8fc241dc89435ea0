"""Blurs, sharpening and other filters over a few pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter


def _filtered(image: np.ndarray, kernel: ImageFilter.Filter) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(kernel))


def _blurred(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _filtered(image, ImageFilter.GaussianBlur(float(rng.uniform(0.3, 2.5))))


def _box(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _filtered(image, ImageFilter.BoxBlur(float(rng.choice((0.5, 1, 2)))))


def _moved(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blurred along one axis."""
    length, axis = int(rng.integers(2, 8)), int(rng.integers(2))
    whole = sum(np.roll(image.astype(np.float64), shift, axis) for shift in range(length))
    return np.clip(np.rint(whole / length), 0, 255).astype(np.uint8)


def _sharpened(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    radius, percent = float(rng.uniform(0.5, 4)), int(rng.integers(30, 300))
    return _filtered(image, ImageFilter.UnsharpMask(radius, percent, int(rng.integers(0, 4))))


def _ready_made(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kernels = (
        ImageFilter.SHARPEN,
        ImageFilter.DETAIL,
        ImageFilter.EDGE_ENHANCE,
        ImageFilter.EDGE_ENHANCE_MORE,
        ImageFilter.SMOOTH,
        ImageFilter.SMOOTH_MORE,
    )
    return _filtered(image, kernels[rng.integers(len(kernels))])


def _relief(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kernels = (ImageFilter.EMBOSS, ImageFilter.CONTOUR, ImageFilter.FIND_EDGES)
    return _filtered(image, kernels[rng.integers(len(kernels))])


def _ranked(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Median, mode, least or largest of the neighbours."""
    size = int(rng.choice((3, 5)))
    kernels = (
        ImageFilter.MedianFilter(size),
        ImageFilter.MedianFilter(size),
        ImageFilter.ModeFilter(size),
        ImageFilter.MinFilter(3),
        ImageFilter.MaxFilter(3),
    )
    return _filtered(image, kernels[rng.integers(len(kernels))])


def _low_pass(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All frequencies above one are taken away, sharply."""
    height, width = image.shape[:2]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    kept = radius < rng.uniform(0.12, 0.45)
    spectrum = np.fft.rfft2(image.astype(np.float64), axes=(0, 1))
    out = np.fft.irfft2(spectrum * kept[..., None], (height, width), axes=(0, 1))
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _denoised(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What stands out from its surroundings by little is taken away, edges stay."""
    smooth = _filtered(image, ImageFilter.GaussianBlur(float(rng.uniform(0.8, 2)))).astype(float)
    detail, limit = image - smooth, rng.uniform(3, 12)
    kept = np.sign(detail) * np.maximum(np.abs(detail) - limit, 0)
    return np.clip(np.rint(smooth + kept), 0, 255).astype(np.uint8)


FILTERS = {
    "blurred": _blurred,
    "box blur": _box,
    "moved": _moved,
    "sharpened": _sharpened,
    "ready-made": _ready_made,
    "relief": _relief,
    "ranked": _ranked,
    "low pass": _low_pass,
    "denoised": _denoised,
}
