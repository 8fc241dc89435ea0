"""Greys, tones and colours: what an editor's sliders do to each pixel by itself."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from trainer.images.treatments.noises import NOISES, grey_levels

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_SEPIA = np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]])


def _grey(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = LUMA if rng.random() < 0.5 else rng.dirichlet((2, 2, 2))
    return np.repeat(grey_levels(image @ weights)[..., None], 3, axis=2)


def _noisy_grey(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _grey(NOISES["white noise"](image, rng), rng)


def _one_bit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    dither = Image.Dither.FLOYDSTEINBERG if rng.random() < 0.7 else Image.Dither.NONE
    return np.asarray(Image.fromarray(image).convert("1", dither=dither).convert("RGB"))


def _ordered(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dithered by Bayer's matrix: each channel, or their mean."""
    cells = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8
    height, width = image.shape[:2]
    cells = np.tile(cells, (height // 4 + 1, width // 4 + 1))[:height, :width, None]
    grey = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return np.where((image if rng.random() < 0.5 else grey) > cells, 255, 0).astype(np.uint8)


def _halftone(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    turn = 2 * np.pi / rng.uniform(3, 9)
    screen = 128 + 100 * np.sin(columns * turn) * np.sin(rows * turn)
    dots = np.where(image.mean(axis=2) > screen, 255, 0).astype(np.uint8)
    return np.repeat(dots[..., None], 3, axis=2)


def _sepia(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    share = rng.uniform(0.5, 1)
    return grey_levels(image @ (share * _SEPIA + (1 - share) * np.eye(3)))


def _two_tones(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    dark, bright = rng.uniform(0, 120, 3), rng.uniform(120, 255, 3)
    return grey_levels(dark + (image @ LUMA / 255)[..., None] * (bright - dark))


def _one_channel(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = np.zeros_like(image)
    place = int(rng.integers(3))
    out[..., place] = image[..., place]
    return out


def _mixed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The channels mixed, swapped or turned."""
    if rng.random() < 0.3:
        return np.ascontiguousarray(image[..., rng.permutation(3)])
    return grey_levels(image @ (np.eye(3) + rng.normal(0, 0.15, (3, 3))))


def _hue(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hue, *rest = Image.fromarray(image).convert("HSV").split()
    shift = int(rng.integers(10, 246))
    turned = hue.point(lambda value: (value + shift) % 256)
    return np.asarray(Image.merge("HSV", [turned, *rest]).convert("RGB"))


def _saturation(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    amount = float(rng.choice((0.15, 0.5, 1.5, 2.5)))
    return np.asarray(ImageEnhance.Color(Image.fromarray(image)).enhance(amount))


def _contrast(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return grey_levels((image - 128.0) * rng.uniform(0.4, 2) + 128 + rng.uniform(-40, 40))


def _range(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Into the range of video, or out of it."""
    video = 16 + image * (219 / 255)
    return grey_levels(video if rng.random() < 0.5 else (image - 16.0) * (255 / 219))


def _gamma(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return grey_levels(255 * (image / 255) ** rng.uniform(0.4, 2.5))


def _stretched(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An automatic contrast: by the ends of the histogram, or by all of it."""
    picture = Image.fromarray(image)
    if rng.random() < 0.5:
        return np.asarray(ImageOps.equalize(picture))
    return np.asarray(ImageOps.autocontrast(picture, cutoff=int(rng.integers(0, 6))))


def _inverted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:
        return 255 - image
    return np.asarray(ImageOps.solarize(Image.fromarray(image), int(rng.integers(64, 200))))


def _fewer_levels(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of each channel: as a poster, or as 15- and 16-bit pixels, stretched to white or not."""
    bits = rng.integers(3, 8, 3) if rng.random() < 0.3 else np.full(3, rng.integers(2, 8))
    step = 2 ** (8 - bits)
    low = (image // step).astype(np.float64)
    return grey_levels(low * 255 / (2**bits - 1) if rng.random() < 0.5 else low * step)


GREYS = {
    "grey": _grey,
    "noisy grey": _noisy_grey,
    "one bit": _one_bit,
    "halftone": _halftone,
}
COLOURS = {
    "ordered dither": _ordered,
    "sepia": _sepia,
    "two tones": _two_tones,
    "one channel": _one_channel,
    "mixed channels": _mixed,
    "hue": _hue,
    "saturation": _saturation,
    "contrast": _contrast,
    "range": _range,
    "gamma": _gamma,
    "stretched": _stretched,
    "inverted": _inverted,
    "fewer levels": _fewer_levels,
}
