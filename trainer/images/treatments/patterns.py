"""Regular patterns: lines, dots and waves of any period, grain that repeats, kernels that do."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from trainer.images.treatments.noises import grey_levels


def _lines(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A grid, stripes, hatching or dots, of any colour, solid or half transparent."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    step, thick, shape = int(rng.integers(4, 41)), int(rng.integers(1, 4)), int(rng.integers(6))
    across, down = columns % step < thick, rows % step < thick
    drawn = (
        across | down,
        across,
        down,
        (rows + columns) % step < thick,
        (rows - columns) % step < thick,
        across & down,
    )[shape]
    colour = rng.choice(((0, 0, 0), (255, 255, 255), tuple(rng.integers(0, 256, 3))))
    alpha = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.15, 0.8))
    out = image.astype(np.float64)
    out[drawn] += alpha * (np.asarray(colour) - out[drawn])
    return grey_levels(out)


def _moire(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Waves of any frequency and direction, added or in proportion to the light."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    over = np.zeros(image.shape)
    for _ in range(int(rng.integers(1, 4))):
        frequency, angle = rng.uniform(0.15, np.pi), rng.uniform(0, np.pi)
        if rng.random() < 0.5:
            angle = 0.5 * np.pi * rng.integers(2) + rng.normal(0, 0.08)
        wave = np.sin(frequency * (np.cos(angle) * rows + np.sin(angle) * columns))
        over += rng.uniform(0.01, 0.1) * wave[..., None] * _tint(rng)
    return grey_levels(image * (1 + over) if rng.random() < 0.5 else image + 128 * over)


def _repeated_grain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same grain over and over: a sensor's, a paper's, a texture's."""
    side = int(rng.choice((8, 16, 32, 64, 128)))
    grain = rng.normal(0, 1, (side, side, 3 if rng.random() < 0.3 else 1))
    for _ in range(int(rng.integers(0, 3))):
        grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) / np.sqrt(3)
    tiles = [length // side + 1 for length in image.shape[:2]]
    over = np.tile(grain, (*tiles, 1))[: image.shape[0], : image.shape[1]]
    strength = rng.uniform(1, 12)
    return grey_levels(
        image * (1 + over * strength / 100) if rng.random() < 0.3 else image + strength * over
    )


def _weave(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Canvas or paper under the picture: threads across and down, and grain, by the light."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    across, down = 2 * np.pi / rng.uniform(2.2, 9, 2)
    threads = np.sin(down * rows) * np.sin(across * columns)
    if rng.random() < 0.5:
        threads = np.abs(np.sin(down * rows / 2)) + np.abs(np.sin(across * columns / 2)) - 1
    grain = rng.normal(0, rng.uniform(0, 0.08), image.shape[:2])
    over = 1 + rng.uniform(0.03, 0.25) * threads + grain
    return grey_levels(image * over[..., None])


def _screened(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Printed: dots at an angle, of grey or of each colour, sharp or soft; perhaps scanned."""
    pitch, soft = float(rng.uniform(2.5, 9)), float(rng.choice((0.02, 0.1, 0.3)))
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    grey = rng.random() < 0.5
    angles = rng.uniform(0, np.pi / 2, 3) if not grey else np.full(3, rng.uniform(0, np.pi / 2))
    light = image.astype(np.float64) / 255
    light = light.mean(axis=2, keepdims=True).repeat(3, axis=2) if grey else light
    out = np.empty(image.shape)
    for colour, angle in enumerate(angles):
        x = (np.cos(angle) * rows + np.sin(angle) * columns) * 2 * np.pi / pitch
        y = (np.cos(angle) * columns - np.sin(angle) * rows) * 2 * np.pi / pitch
        screen = 0.5 + 0.25 * (np.sin(x) + np.sin(y))
        edge = np.clip((light[..., colour] - screen) / soft, -30, 30)
        out[..., colour] = 255 / (1 + np.exp(-edge))
    if rng.random() < 0.5:
        width = float(rng.uniform(0.5, 1.5))
        out = ndimage.gaussian_filter(out, (width, width, 0))
    if rng.random() < 0.3:
        out += rng.normal(0, 3, image.shape)
    return grey_levels(out)


def _pushed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each pixel up or down by the same, as an attack does: by chance, by blocks or by detail."""
    strength, side = float(rng.integers(1, 7)), int(rng.choice((1, 1, 2, 4)))
    way = rng.integers(3)
    if way == 0:
        detail = image - ndimage.gaussian_filter(image.astype(np.float64), (1, 1, 0))
        sign = np.sign(detail) * (1 if rng.random() < 0.5 else -1)
    else:
        shape = [length // side + 1 for length in image.shape[:2]]
        sign = rng.choice((-1, 1), (*shape, 3 if way == 1 else 1))
        sign = sign.repeat(side, 0).repeat(side, 1)[: image.shape[0], : image.shape[1]]
    return grey_levels(image + strength * sign)


def _kernel(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A small kernel at random, the same for all colours or one for each."""
    return _by_place(image, rng, period=(1, 1))


def _repeating_kernel(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Small kernels at random, another one for every place of a period."""
    while True:
        period = (int(rng.choice((1, 2, 3, 4))), int(rng.choice((1, 2, 3, 4))))
        if period != (1, 1):
            return _by_place(image, rng, period=period)


def _by_place(
    image: np.ndarray, rng: np.random.Generator, *, period: tuple[int, int]
) -> np.ndarray:
    strength, side, each = rng.uniform(0.05, 0.5), int(rng.choice((3, 3, 5))), rng.random() < 0.5
    if rng.random() < 0.3:  # along one axis
        shape = (side, 1) if rng.random() < 0.5 else (1, side)
    else:
        shape = (side, side)
    values, out = image.astype(np.float64), np.empty(image.shape)
    for down in range(period[0]):
        for right in range(period[1]):
            place = np.s_[down :: period[0], right :: period[1]]
            kernel = _drawn(shape, strength, rng)
            for colour in range(3):
                if each and colour:
                    kernel = _drawn(shape, strength, rng)
                filtered = ndimage.convolve(values[..., colour], kernel, mode="mirror")
                out[..., colour][place] = filtered[place]
    return grey_levels(out)


def _drawn(shape: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """Of sum one, so that flat areas stay: mostly a blur, or with lobes of either sign."""
    kernel = np.abs(rng.normal(0, 1, shape)) if rng.random() < 0.5 else rng.normal(0, 1, shape)
    kernel *= strength / np.sqrt(kernel.size)
    kernel[shape[0] // 2, shape[1] // 2] += 1 - kernel.sum()
    return kernel


def _tint(rng: np.random.Generator) -> np.ndarray:
    return np.ones(3) if rng.random() < 0.6 else rng.uniform(-1, 1, 3)


PATTERNS = {
    "lines": _lines,
    "moire": _moire,
    "repeated grain": _repeated_grain,
    "weave": _weave,
    "screened": _screened,
    "pushed": _pushed,
    "kernel": _kernel,
    "repeating kernel": _repeating_kernel,
}
