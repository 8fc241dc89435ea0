"""Small synthetic photographs: smooth noise and shapes, the same on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def photograph(
    index: int, width: int = 260, height: int = 230, *, grain: float = 6.0
) -> Image.Image:
    """An RGB picture with smooth gradients, hard edges and fine grain of that deviation."""
    rng = np.random.default_rng(index)
    coarse = rng.integers(40, 216, (5, 6, 3)).astype(np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        w, h = (int(v) for v in rng.integers(8, 70, 2))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=colour)
    noise = rng.normal(0, grain, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def write_photographs(folder: Path, count: int = 10, *, grain: float = 6.0) -> Path:
    """Write `photo0.png` and so on, large enough to be shrunk and cropped to 128 px."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        photograph(index, grain=grain).save(folder / f"photo{index}.png")
    return folder
