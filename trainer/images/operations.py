"""What happens to images between generator and analyst, at a given strength.

Each operation maps a uint8 H×W×3 RGB array to another one and is a function of its arguments
alone. `trainer robustness` sweeps them (paper, Fig. 16); `trainer.images.random_operations` draws
their strength at random for training (the "immunised" extractor, Appendix A).
"""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageFilter


def jpeg(image: np.ndarray, quality: int, subsampling: int = 2) -> np.ndarray:
    """JPEG with the standard tables, quality 1 to 95; subsampling 0 is 4:4:4, 2 is 4:2:0."""
    return encode(image, "JPEG", quality=quality, subsampling=subsampling)


def webp(image: np.ndarray, quality: int) -> np.ndarray:
    """Lossy WebP, quality 0 to 100."""
    return encode(image, "WEBP", quality=quality)


def resize(
    image: np.ndarray, factor: float, kernel: Image.Resampling = Image.Resampling.BICUBIC
) -> np.ndarray:
    """Rescale both sides by `factor`, to no less than 8 pixels."""
    size = (max(8, round(image.shape[1] * factor)), max(8, round(image.shape[0] * factor)))
    return np.asarray(Image.fromarray(image).resize(size, kernel))


def crop_resize(image: np.ndarray, share: float) -> np.ndarray:
    """Crop the middle `share` of the area (0 to 1) and resize it back, bilinearly (Fig. 16)."""
    height, width = image.shape[:2]
    side = math.sqrt(share)
    rows, columns = max(1, round(height * side)), max(1, round(width * side))
    if (rows, columns) == (height, width):
        return image.copy()
    top, left = (height - rows) // 2, (width - columns) // 2
    crop = np.ascontiguousarray(image[top : top + rows, left : left + columns])
    return np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR))


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur, σ in pixels."""
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma)))


def noise(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """White Gaussian noise, σ in grey levels."""
    out = image + rng.normal(0, sigma, image.shape)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def screenshot(image: np.ndarray, scale: float) -> np.ndarray:
    """As a viewer draws it at `scale` and half a pixel off the grid, captured without loss.

    Compositors interpolate bilinearly between the four nearest pixels and do not smooth first.
    """
    height, width = image.shape[:2]
    size = (max(8, math.floor((width - 1) * scale)), max(8, math.floor((height - 1) * scale)))
    matrix = (1 / scale, 0, 0.5, 0, 1 / scale, 0.5)
    picture = Image.fromarray(image)
    return np.asarray(
        picture.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    )


def encode(image: np.ndarray, container: str, **options: object) -> np.ndarray:
    """The pixels after a round trip through a container of Pillow's."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, container, **options)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))
