"""Noise and patterns laid over a picture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def grey_levels(values: np.ndarray) -> np.ndarray:
    """Rounded, and cut to 0 to 255: uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _white(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return grey_levels(image + rng.normal(0, rng.uniform(0.5, 15), image.shape))


def _even(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    strength = rng.uniform(1, 15)
    return grey_levels(image + rng.uniform(-strength, strength, image.shape))


def _speckle(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """In proportion to the light."""
    return grey_levels(image * (1 + rng.normal(0, rng.uniform(0.01, 0.1), image.shape)))


def _pepper(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    share, chance = rng.uniform(0.002, 0.03), rng.random(image.shape[:2])[..., None]
    return np.where(chance < share, 0, np.where(chance > 1 - share, 255, image)).astype(np.uint8)


def _grain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of film: grey, and as coarse as some pixels."""
    grain = rng.normal(0, 1, image.shape[:2])
    for _ in range(int(rng.integers(0, 3))):
        grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) / np.sqrt(3)
    return grey_levels(image + rng.uniform(2, 12) * grain[..., None])


def _soft_grain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Softened, then grainy: by a lens and a sensor, a scanner, or a denoiser that adds grain."""
    width = rng.uniform(0.4, 1.6) * np.ones(2)
    if rng.random() < 0.5:
        width[int(rng.integers(2))] *= rng.uniform(0.3, 1)
    soft = ndimage.gaussian_filter(image.astype(np.float64), (*width, 0))
    if rng.random() < 0.5:
        soft = rng.uniform(0.8, 1.1) * soft + rng.uniform(-10, 20)
    colours = 1 if rng.random() < 0.3 else 3
    out = soft + rng.normal(0, rng.uniform(0.7, 6), (*image.shape[:2], colours))
    if rng.random() < 0.3:  # the sensors of a line differ
        out = out + rng.normal(0, rng.uniform(0.3, 2), (1, image.shape[1], 3))
    return grey_levels(out)


def _waves(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    out = image.astype(np.float64)
    for axis in (rows, columns):
        period, strength = rng.choice((2, 3, 4, 5, 8)), rng.uniform(1, 8)
        out += strength * np.sin(2 * np.pi * axis / period + rng.uniform(0, 6))[..., None]
    return grey_levels(out)


def _scan_lines(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    period, dark = int(rng.integers(2, 5)), rng.uniform(0.5, 0.95)
    lit = np.where(np.arange(image.shape[0]) % period == 0, dark, 1.0)
    return grey_levels(image * lit[:, None, None])


def _lowest_bits(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cleared, set or drawn anew, as a hidden message does."""
    mask = (1 << int(rng.integers(1, 4))) - 1
    kept = image & (255 - mask)
    choice = rng.integers(3)
    drawn = rng.integers(0, mask + 1, image.shape).astype(np.uint8)
    return kept if choice == 0 else kept | (np.uint8(mask) if choice == 1 else drawn)


NOISES = {
    "white noise": _white,
    "even noise": _even,
    "speckle": _speckle,
    "pepper": _pepper,
    "grain": _grain,
    "soft grain": _soft_grain,
    "waves": _waves,
    "scan lines": _scan_lines,
    "lowest bits": _lowest_bits,
}
