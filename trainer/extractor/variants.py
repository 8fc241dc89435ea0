"""What each rendered image is kept as: as it is, processed, and with a fainter trace.

Positives of one model then meet under different processing (paper, Appendix A).
"""

from __future__ import annotations

import numpy as np

from trainer.images.random_operations import Processing, any_operation, published_jpeg

RENDERED, PROCESSED, FAINT = 0, (1, 2), 3
"""Variants of an image: as rendered; as JPEG and processed at will; with a fainter trace."""


def process(
    images: np.ndarray, rng: np.random.Generator, variant: int, recipe: Processing
) -> np.ndarray:
    """Send each image (N, 3, H, W) through an operation.

    Variant 1 is what platforms publish, JPEG 4:2:0; variant 2 draws any operation of any strength
    for each image.
    """
    operation = published_jpeg if variant == PROCESSED[0] else any_operation
    out = np.empty_like(images)
    for i, image in enumerate(images.transpose(0, 2, 3, 1)):
        out[i] = operation(np.ascontiguousarray(image), rng, recipe).transpose(2, 0, 1)
    return out


def faint_share(error: float, faintest: float, rng: np.random.Generator) -> float:
    """How much of a model's trace to keep, in (0, 1], so that its error falls to a random one.

    `error` is the model's reconstruction error; the new one is log-uniform from `faintest` to it.
    """
    wanted = np.exp(rng.uniform(np.log(faintest), np.log(max(error, faintest * 1.1))))
    return float(min(1.0, np.sqrt(wanted / error)))


def fade(images: np.ndarray, contents: np.ndarray, share: float) -> np.ndarray:
    """uint8 `images` (N, 3, H, W) with a `share` of what they differ by from `contents`.

    Real generators leave fainter traces than models that are cheap to make.
    """
    faint = contents + share * (images.astype(np.float32) - contents)
    return np.clip(np.rint(faint), 0, 255).astype(np.uint8)
