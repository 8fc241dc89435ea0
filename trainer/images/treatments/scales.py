"""Other sizes and angles: every way of interpolating."""

from __future__ import annotations

import numpy as np
from PIL import Image

from trainer.images.operations import resize, screenshot

_KERNELS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BOX,
)
_SMOOTH = _KERNELS[:3]
# Exact factors leave a period of their own, and they are what programs offer.
_SHRINK, _ENLARGE = (0.5, 2 / 3, 0.7, 0.75, 0.8), (1.25, 4 / 3, 1.5, 2.0, 3.0, 4.0)


def _kernel(rng: np.random.Generator, kernels: tuple[Image.Resampling, ...]) -> Image.Resampling:
    return kernels[rng.integers(len(kernels))]


def _shrunk(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    exact = rng.random() < 0.5
    factor = rng.choice(_SHRINK) if exact else rng.uniform(0.4, 0.95)
    return resize(image, float(factor), _kernel(rng, _KERNELS))


def _enlarged(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return resize(image, float(rng.uniform(1.1, 3)), _kernel(rng, _SMOOTH))


def _exactly_enlarged(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return resize(image, float(rng.choice(_ENLARGE)), _kernel(rng, _SMOOTH))


def _doubled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The most usual of all, and so regular that it needs a kind of its own."""
    return resize(image, 2.0, _kernel(rng, _SMOOTH))


def _repeated(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Enlarged by the nearest pixel."""
    return resize(image, float(rng.choice((1.5, 2, 3))), Image.Resampling.NEAREST)


def _there_and_back(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    factor, kernel = float(rng.choice((0.25, 0.5, 0.75))), _kernel(rng, _SMOOTH)
    small = resize(image, factor, kernel)
    return np.asarray(Image.fromarray(small).resize(image.shape[1::-1], kernel))


def _mosaic(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = resize(image, 1 / int(rng.integers(2, 9)), Image.Resampling.BOX)
    return np.asarray(Image.fromarray(small).resize(image.shape[1::-1], Image.Resampling.NEAREST))


def _screenshot(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return screenshot(image, float(rng.uniform(0.6, 1.6)))


def _rotated(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By a small angle; the corners that come in are cut away."""
    angle, kernel = float(rng.uniform(0.5, 12) * rng.choice((-1, 1))), _kernel(rng, _SMOOTH)
    kernel = Image.Resampling.BICUBIC if kernel == Image.Resampling.LANCZOS else kernel
    height, width = image.shape[:2]
    turned = np.asarray(Image.fromarray(image).rotate(angle, kernel))
    return turned[height // 7 : height - height // 7, width // 7 : width - width // 7]


def _tilted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A perspective, as a photographed screen has it."""
    height, width = image.shape[:2]
    shear, bend = rng.uniform(-0.1, 0.1, 2), rng.uniform(-2e-4, 2e-4, 2)
    scale = 0.8  # smaller than what it takes from, so that no border comes in
    data = (scale, shear[0], 0.1 * width, shear[1], scale, 0.1 * height, bend[0], bend[1])
    kernel = Image.Resampling.BICUBIC
    return np.asarray(
        Image.fromarray(image).transform(
            (width, height), Image.Transform.PERSPECTIVE, data, kernel
        )
    )


SCALES = {
    "shrunk": _shrunk,
    "enlarged": _enlarged,
    "exactly enlarged": _exactly_enlarged,
    "doubled": _doubled,
    "repeated": _repeated,
    "there and back": _there_and_back,
    "mosaic": _mosaic,
    "screenshot": _screenshot,
    "rotated": _rotated,
    "tilted": _tilted,
}
