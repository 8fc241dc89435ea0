"""What calibration does to images: some kinds of each treatment, at strengths people use.

A pair's images are both treated in the same way: then treatment makes strangers most alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from trainer.images.operations import blur, jpeg, noise, resize, webp

Treat = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _jpeg(quality: int, subsampling: int = 2) -> Treat:
    return lambda image, rng: jpeg(image, quality, subsampling)


def _webp(quality: int) -> Treat:
    return lambda image, rng: webp(image, quality)


def _cropped(quality: int) -> Treat:
    return lambda image, rng: jpeg(image, quality)[3:, 3:]


def _resize(factor: float) -> Treat:
    return lambda image, rng: resize(image, factor)


def _grey(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def _blur(sigma: float) -> Treat:
    return lambda image, rng: blur(image, sigma)


def _noise(sigma: float) -> Treat:
    return lambda image, rng: noise(image, sigma, rng)


def _filter(kernel: ImageFilter.Filter) -> Treat:
    return lambda image, rng: np.asarray(Image.fromarray(image).filter(kernel))


CONDITIONS: Mapping[str, Mapping[str, Treat]] = {
    "as is": {"as is": lambda image, rng: image},
    "lossy": {"jpeg 95": _jpeg(95), "jpeg 90": _jpeg(90)},
    "coarse": {
        "jpeg 85": _jpeg(85),
        "jpeg 70": _jpeg(70),
        "jpeg 85 off its grid": _cropped(85),
        "webp 80": _webp(80),
    },
    "resized": {
        "half": _resize(0.5),
        "seven tenths": _resize(0.7),
        "double": _resize(2.0),
    },
    "grey": {"grey": _grey},
    "other": {
        "blur": _blur(1.0),
        "noise": _noise(4.0),
        "median": _filter(ImageFilter.MedianFilter(3)),
    },
}
"""By what `fingerprint_sdk.images.treatment.TREATMENTS` calls it, then by kind."""
