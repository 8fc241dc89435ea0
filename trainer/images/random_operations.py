"""What happens to images between generator and analyst: recompression, resizing, blur, noise.

Each operation maps a uint8 H×W×3 RGB array and a random generator to another one. They run after
the synthetic model and before the residual (paper, Appendix A: "immunised" extractor). The
generator draws the strength; `trainer.images.operations` has the operations at a given one.
Equations: docs/method.md#rendering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.images import operations

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


@dataclass(frozen=True)
class Processing:
    """How strong each operation is, drawn evenly between two ends, and how often it comes.

    Equations: docs/method.md#rendering.

    Attributes:
        mix: chances that `any` is JPEG, WebP, blur or noise; they sum to 1.
        published_jpeg: quality of `published_jpeg`, which is 4:2:0 with standard tables.
        jpeg: quality of `jpeg`.
        full_chroma: share of `jpeg` that is 4:4:4, the rest is 4:2:0.
        tilted: share of `jpeg` whose tables are not the standard ones.
        tilt: deviation of a tilted table's logarithm, for each step of frequency.
        coarseness: deviation of a tilted table's logarithm as a whole.
        webp: quality of lossy WebP.
        blur: σ of a Gaussian blur, pixels.
        noise: σ of white Gaussian noise, grey levels.
    """

    mix: tuple[float, float, float, float] = (0.7, 0.1, 0.1, 0.1)
    published_jpeg: tuple[int, int] = (75, 95)
    jpeg: tuple[int, int] = (60, 98)
    full_chroma: float = 0.3
    tilted: float = 0.25
    tilt: float = 0.05
    coarseness: float = 0.2
    webp: tuple[int, int] = (60, 95)
    blur: tuple[float, float] = (0.3, 1.0)
    noise: tuple[float, float] = (0.5, 4.0)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Processing:
        """What `dataclasses.asdict` and JSON turned into `values`."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


SHIPPED = Processing()


def any_operation(
    image: np.ndarray, rng: np.random.Generator, recipe: Processing = SHIPPED
) -> np.ndarray:
    """One operation of `recipe.mix`."""
    chain = (jpeg, webp, blur, noise)
    return chain[rng.choice(len(chain), p=recipe.mix)](image, rng, recipe)


def published_jpeg(
    image: np.ndarray, rng: np.random.Generator, recipe: Processing = SHIPPED
) -> np.ndarray:
    """JPEG as platforms publish it: 4:2:0, standard tables."""
    return operations.jpeg(image, _whole(recipe.published_jpeg, rng))


def jpeg(image: np.ndarray, rng: np.random.Generator, recipe: Processing = SHIPPED) -> np.ndarray:
    """JPEG, 4:2:0 or 4:4:4, standard or tilted tables."""
    subsampling = int(rng.choice([0, 2], p=[recipe.full_chroma, 1 - recipe.full_chroma]))
    quality = _whole(recipe.jpeg, rng)
    options: dict[str, object] = {"quality": quality}
    if rng.random() < recipe.tilted:
        options = {"qtables": _tilted_tables(quality, rng, recipe)}
    return operations.encode(image, "JPEG", subsampling=subsampling, **options)


def webp(image: np.ndarray, rng: np.random.Generator, recipe: Processing = SHIPPED) -> np.ndarray:
    """Lossy WebP."""
    return operations.webp(image, _whole(recipe.webp, rng))


def blur(image: np.ndarray, rng: np.random.Generator, recipe: Processing = SHIPPED) -> np.ndarray:
    """Gaussian blur."""
    return operations.blur(image, float(rng.uniform(*recipe.blur)))


def noise(image: np.ndarray, rng: np.random.Generator, recipe: Processing = SHIPPED) -> np.ndarray:
    """White Gaussian noise."""
    return operations.noise(image, rng.uniform(*recipe.noise), rng)


def _whole(ends: tuple[int, int], rng: np.random.Generator) -> int:
    """A whole number between two ends, both included."""
    return int(rng.integers(ends[0], ends[1] + 1))


def _tilted_tables(quality: int, rng: np.random.Generator, recipe: Processing) -> list[list[int]]:
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    u, v = np.mgrid[0:8, 0:8]
    tilt = np.exp(rng.normal(0, recipe.tilt) * (u + v) + rng.normal(0, recipe.coarseness))
    tables = []
    for base in (_STANDARD_LUMA, np.minimum(99, _STANDARD_LUMA * 1.2)):
        tables.append([int(x) for x in np.clip(np.rint(base * scale * tilt), 1, 255).ravel()])
    return tables
