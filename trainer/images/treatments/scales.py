"""Other sizes and angles: every way of interpolating."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from trainer.images.operations import resize, screenshot
from trainer.images.treatments.noises import grey_levels

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
_ROUND = (1.1, 1.2, 1.25, 1.3, 4 / 3, 1.4, 1.5, 1.6, 1.75, 1.8, 2, 2.5, 3, 4)


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


def _stretched(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Enlarged by any kernel, on one axis or by another factor on each."""
    kernel = (*_KERNELS, Image.Resampling.NEAREST)[rng.integers(len(_KERNELS) + 1)]
    if rng.random() < 0.7:
        first = float(rng.choice(_ROUND))
    else:
        first = float(np.exp(rng.uniform(np.log(1.03), np.log(4))))
    chance = rng.random()
    second = first if chance < 0.7 else 1.0 if chance < 0.85 else float(rng.uniform(1, 3))
    across, down = (first, second) if rng.random() < 0.5 else (second, first)
    size = (round(image.shape[1] * across), round(image.shape[0] * down))
    return np.asarray(Image.fromarray(image).resize(size, kernel))


def _sharpened_size(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another size, then sharpened, as programs for the web do."""
    factor = float(rng.uniform(0.4, 0.95) if rng.random() < 0.5 else rng.choice(_ROUND))
    kernel = _kernel(rng, _SMOOTH)
    sharpen = ImageFilter.UnsharpMask(float(rng.uniform(0.5, 2)), int(rng.integers(40, 200)), 0)
    return np.asarray(Image.fromarray(resize(image, factor, kernel)).filter(sharpen))


def _fewer_pixels(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To a smaller size by the nearest pixel, and perhaps back by any kernel."""
    factor = float(rng.uniform(0.4, 0.95))
    small = resize(image, factor, Image.Resampling.NEAREST)
    if rng.random() < 0.4:
        return small
    kernel = (*_KERNELS, Image.Resampling.NEAREST)[rng.integers(len(_KERNELS) + 1)]
    return np.asarray(Image.fromarray(small).resize(image.shape[1::-1], kernel))


def _bent(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A barrel, a pincushion or waves, as lenses and paper have them."""
    height, width = image.shape[:2]
    rows, columns = np.meshgrid(
        np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
    )
    if rng.random() < 0.6:
        bend = float(rng.uniform(-0.12, 0.12))
        swell = (1 + bend * (rows**2 + columns**2)) * (1 - max(2 * bend, 0))
        down, right = rows * swell, columns * swell
    else:
        phase, size = rng.uniform(2, 9, 2), rng.uniform(0.002, 0.01)
        down, right = (
            rows + size * np.sin(phase[0] * columns),
            columns + size * np.sin(phase[1] * rows),
        )
    places = [(down + 1) * (height - 1) / 2, (right + 1) * (width - 1) / 2]
    order = int(rng.choice((1, 1, 3)))
    planes = [
        ndimage.map_coordinates(
            image[..., c].astype(np.float64), places, order=order, mode="mirror"
        )
        for c in range(3)
    ]
    return grey_levels(np.stack(planes, axis=2))


def _turned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By any angle: with the corners that come in, of one colour, or without them."""
    angle, whole = float(rng.uniform(1, 89)), rng.random() < 0.5
    kernel = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)[
        rng.integers(3)
    ]
    shade = int(rng.choice((0, 255)))
    picture = Image.fromarray(image)
    turned = picture.rotate(angle, kernel, expand=whole, fillcolor=(shade, shade, shade))
    if whole:
        return np.asarray(turned)
    height, width = image.shape[:2]
    return np.asarray(turned)[height // 5 : -(height // 5), width // 5 : -(width // 5)]


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
    "stretched size": _stretched,
    "sharpened size": _sharpened_size,
    "fewer pixels": _fewer_pixels,
    "bent": _bent,
    "turned": _turned,
}
