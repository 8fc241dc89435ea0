"""Pictures that no generator made, to lay something over."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw


def picture(seed: int, height: int = 512, width: int = 640) -> np.ndarray:
    """Detail on all scales, as photographs have it."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.normal(size=(height, width, 3)), axes=(0, 1))
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    scale = 1 / np.maximum(np.hypot(rows, columns), 1 / width)
    plane = np.fft.irfft2(spectrum * scale[..., None], (height, width), axes=(0, 1))
    return np.clip(128 + 50 * plane / plane.std(), 0, 255).astype(np.uint8)


def marked(pixels: np.ndarray, *, start: int = 0) -> np.ndarray:
    """Half transparent words all over."""
    image = Image.fromarray(pixels).convert("RGBA")
    over = Image.new("RGBA", image.size)
    draw = ImageDraw.Draw(over)
    for row, top in enumerate(range(start, image.height, 36)):
        for left in range(start + 40 * (row % 2), image.width, 110):
            draw.text((left, top), "SAMPLE IMAGE", (255, 255, 255, 140))
    return np.asarray(Image.alpha_composite(image, over).convert("RGB"))
