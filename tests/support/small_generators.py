"""Pretend generators: photographs enlarged from half their size, and a trace that repeats.

Each has its own kernel, and its own pattern as transposed convolutions leave one; loud, so that a
few seconds of training suffice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from support.photographs import photograph

SIDE = 128  # one window an image
_Y, _X = np.mgrid[:SIDE, :SIDE]
_TRACES = {
    "nearest": (Image.Resampling.NEAREST, np.cos(np.pi * _X)),
    "bilinear": (Image.Resampling.BILINEAR, np.cos(np.pi * _Y)),
    "bicubic": (Image.Resampling.BICUBIC, np.cos(np.pi * _X / 2) * np.cos(np.pi * _Y / 2)),
    "lanczos": (Image.Resampling.LANCZOS, np.cos(np.pi * (_X + _Y))),
}
GENERATORS = tuple(_TRACES)


def generated(name: str, index: int, *, loud: float = 24.0, quiet: float = 4.0) -> np.ndarray:
    """uint8 (128, 128, 3): photograph `index` as that generator would have made it.

    `loud` and `quiet` are the amplitudes, in grey levels, of its two traces: a plain wave, and a
    tile that looks like noise.
    """
    kernel, pattern = _TRACES[name]
    small = photograph(index, SIDE // 2, SIDE // 2, grain=3.0)
    pixels = np.asarray(small.resize((SIDE, SIDE), kernel)) / 2.0 + 64
    tile = np.random.default_rng(GENERATORS.index(name)).normal(0, quiet, (8, 8, 3))
    pixels += loud * pattern[..., None] + np.tile(tile, (SIDE // 8, SIDE // 8, 1))
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def write_image_set(folder: Path, images: int) -> Path:
    """`folder`/GENERATOR/INDEX.png, `images` of each generator."""
    for number, name in enumerate(GENERATORS):
        (folder / name).mkdir(parents=True)
        for index in range(images):
            picture = generated(name, 100 * number + index)
            Image.fromarray(picture).save(folder / name / f"{index}.png")
    return folder
