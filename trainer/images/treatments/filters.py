"""Blurs, sharpening and other filters over a few pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from trainer.images.treatments.noises import grey_levels


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
    return grey_levels(whole / length)


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
    return grey_levels(out)


def _denoised(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What stands out from its surroundings by little is taken away, edges stay."""
    smooth = _filtered(image, ImageFilter.GaussianBlur(float(rng.uniform(0.8, 2)))).astype(float)
    detail, limit = image - smooth, rng.uniform(3, 12)
    kept = np.sign(detail) * np.maximum(np.abs(detail) - limit, 0)
    return grey_levels(smooth + kept)


def _bilateral(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mean of neighbours of like light: flat areas become smooth, edges stay."""
    radius, far, like = int(rng.integers(1, 4)), rng.uniform(0.8, 3), rng.uniform(5, 40)
    values, total, weight = image.astype(np.float32), np.zeros(image.shape, np.float32), 0.0
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            other = np.roll(values, (down, right), (0, 1))
            apart = np.square(other - values).mean(axis=2, keepdims=True)
            share = np.exp(-(down**2 + right**2) / (2 * far**2) - apart / (2 * like**2))
            total, weight = total + share * other, weight + share
    return grey_levels(total / weight)


def _morphology(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Opened, closed, or both, as oil paint has it; perhaps with a median behind it."""
    size, steps = int(rng.choice((2, 3, 5))), int(rng.integers(1, 4))
    ways = (ndimage.grey_opening, ndimage.grey_closing)
    first = int(rng.integers(2))
    out = image
    for step in range(steps):
        out = ways[(first + step) % 2](out, (size, size, 1))
    return ndimage.median_filter(out, (3, 3, 1)) if rng.random() < 0.4 else out


def _frosted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each pixel from a place nearby."""
    reach = int(rng.integers(1, 4))
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    down, right = rng.integers(-reach, reach + 1, (2, *rows.shape))
    height, width = image.shape[:2]
    return image[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]


def _deconvolved(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sharpened step by step (Richardson 1972, Lucy 1974)."""
    width, steps = float(rng.uniform(0.6, 1.8)), int(rng.integers(2, 9))
    seen = image.astype(np.float64) + 1
    out = seen.copy()
    for _ in range(steps):
        out *= ndimage.gaussian_filter(
            seen / ndimage.gaussian_filter(out, (width, width, 0)), (width, width, 0)
        )
    return grey_levels(out - 1)


def _local_contrast(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is brighter than its surroundings more so: of 2 to 40 px, by light or by colour."""
    width, gain = float(np.exp(rng.uniform(np.log(2), np.log(40)))), float(rng.uniform(0.2, 1.5))
    detail = image - ndimage.gaussian_filter(image.astype(np.float64), (width, width, 0))
    if rng.random() < 0.5:
        detail = detail.mean(axis=2, keepdims=True)
    return grey_levels(image + gain * detail)


def _spectral(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bands of frequencies weaker or stronger, or turned in phase at random; perhaps a notch."""
    height, width = image.shape[:2]
    down, right = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    radius = np.hypot(down, right)
    low = rng.uniform(0.08, 0.4)
    band = (radius > low) & (radius < low + rng.uniform(0.02, 0.4))
    gain = np.where(band, rng.choice((0.0, 0.5, 1.5)), 1.0).astype(complex)
    if rng.random() < 0.4:
        gain = gain * np.exp(1j * band * rng.normal(0, rng.uniform(0.2, 1.5), radius.shape))
    if rng.random() < 0.5:
        x, y = rng.uniform(0, 0.5, 2)
        gain = gain * (np.hypot(np.abs(down) - x, right - y) > rng.uniform(0.01, 0.06))
    spectrum = np.fft.rfft2(image.astype(np.float64), axes=(0, 1)) * gain[..., None]
    out = np.fft.irfft2(spectrum, (height, width), axes=(0, 1))
    return grey_levels(out)


FILTERS = {
    "bilateral": _bilateral,
    "morphology": _morphology,
    "frosted": _frosted,
    "deconvolved": _deconvolved,
    "local contrast": _local_contrast,
    "spectral": _spectral,
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
