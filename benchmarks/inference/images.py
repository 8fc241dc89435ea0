"""The pictures that are timed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

DISTINCT = 8
"""Pictures of each size."""


def make_image(pixels: int, seed: int) -> Pixels:
    """A square picture with content and noise, so that its PNG is of a usual size."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (pixels // 32, pixels // 32, 3), np.uint8))
    content = np.asarray(coarse.resize((pixels, pixels), Image.Resampling.BICUBIC), np.float32)
    noisy = content + rng.normal(0, 2, content.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def write_images(folder: Path, sizes: Iterable[int]) -> dict[int, list[Path]]:
    """Some PNG files of each size."""
    written: dict[int, list[Path]] = {}
    for size in sizes:
        written[size] = [folder / f"{size}_{i}.png" for i in range(DISTINCT)]
        for i, path in enumerate(written[size]):
            Image.fromarray(make_image(size, i)).save(path)
    return written
