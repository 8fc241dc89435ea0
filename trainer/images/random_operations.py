"""What happens to images between generator and analyst: recompression, resizing, blur, noise.

Each operation maps a uint8 H×W×3 RGB array and a random generator to another one. They run after
the synthetic model and before the residual (paper, Appendix A: "immunised" extractor). The
generator draws the strength; `trainer.images.operations` has the operations at a given one.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from trainer.images import operations as fixed
from trainer.images.operations import encode as _through

# Photoshop-like and mozjpeg-like luminance tables differ from the standard one; scaling the
# standard table by a per-frequency tilt covers that family without copying any encoder's table.
_STANDARD_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


def jpeg(image: np.ndarray, rng: np.random.Generator, low: int = 60, high: int = 98) -> np.ndarray:
    """JPEG at a random quality in [low, high], 4:2:0 or 4:4:4, standard or tilted tables."""
    subsampling = int(rng.choice([0, 2], p=[0.3, 0.7]))
    quality = int(rng.integers(low, high + 1))
    options: dict[str, object] = {"quality": quality}
    if rng.random() < 0.25:
        options = {"qtables": _tilted_tables(quality, rng)}
    return _through(image, "JPEG", subsampling=subsampling, **options)


def published_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG as platforms publish it: 4:2:0, standard tables, quality 75 to 95."""
    return _through(image, "JPEG", subsampling=2, quality=int(rng.integers(75, 96)))


def webp(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lossy WebP, quality 60 to 95."""
    return _through(image, "WEBP", quality=int(rng.integers(60, 96)))


def resize(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rescale both sides by 0.6 to 1.6: the result has another size than the input."""
    factor = rng.uniform(0.6, 1.6)
    kernel = Image.Resampling(int(rng.choice([1, 2, 3])))  # Lanczos, bilinear, bicubic
    return fixed.resize(image, factor, kernel)


def blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur, σ 0.3 to 1 px."""
    return fixed.blur(image, float(rng.uniform(0.3, 1.0)))


def noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White Gaussian noise, σ 0.5 to 4 grey levels."""
    return fixed.noise(image, rng.uniform(0.5, 4.0), rng)


def _tilted_tables(quality: int, rng: np.random.Generator) -> list[list[int]]:
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    u, v = np.mgrid[0:8, 0:8]
    tilt = np.exp(rng.normal(0, 0.05) * (u + v) + rng.normal(0, 0.2))
    tables = []
    for base in (_STANDARD_LUMA, np.minimum(99, _STANDARD_LUMA * 1.2)):
        tables.append([int(x) for x in np.clip(np.rint(base * scale * tilt), 1, 255).ravel()])
    return tables
