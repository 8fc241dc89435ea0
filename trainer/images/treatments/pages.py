"""A picture on a page, under text, beside itself: what is put around and over it."""

from __future__ import annotations

import string

import numpy as np
from PIL import Image, ImageDraw


def _page(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """On a page of one colour, anywhere, off the grid of eight too."""
    height, width = image.shape[:2]
    more = rng.integers(16, 400, 2)
    page = np.empty((height + more[0], width + more[1], 3), np.uint8)
    page[:] = rng.integers(0, 256, 3) if rng.random() < 0.3 else rng.choice((0, 128, 240, 255))
    top, left = int(rng.integers(0, more[0])), int(rng.integers(0, more[1]))
    page[top : top + height, left : left + width] = image
    return page


def _bars(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two bars, above and below or at the sides."""
    axis, thick = int(rng.integers(2)), int(rng.integers(8, image.shape[0]))
    shape = list(image.shape)
    shape[axis] = thick
    bar = np.full(shape, rng.choice((0, 255)), np.uint8)
    return np.concatenate([bar, image, bar], axis=axis)


def _framed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A frame drawn over the margin."""
    out, thick = image.copy(), int(rng.integers(4, 30))
    colour = rng.integers(0, 256, 3)
    out[:thick], out[-thick:], out[:, :thick], out[:, -thick:] = colour, colour, colour, colour
    return out


def _text(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half transparent words all over, as agencies mark their pictures."""
    picture = Image.fromarray(image).convert("RGBA")
    over = Image.new("RGBA", picture.size)
    draw, letters = ImageDraw.Draw(over), list(string.ascii_uppercase + " ")
    word = "".join(rng.choice(letters, int(rng.integers(5, 16))))
    shade, alpha, step = (
        int(rng.choice((0, 255))),
        int(rng.integers(60, 200)),
        rng.integers(24, 60),
    )
    size = float(rng.uniform(10, 24))
    for row, top in enumerate(range(0, picture.height, int(step))):
        for left in range(-60 * (row % 2), picture.width, int(size * len(word))):
            draw.text((left, top), word, fill=(shade, shade, shade, alpha), font_size=size)
    return np.asarray(Image.alpha_composite(picture, over).convert("RGB"))


def _screen(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Under a grid of lines or hatching."""
    out, step = image.copy(), int(rng.integers(6, 24))
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    lines = (rows % step == 0) | (columns % step == 0)
    if rng.random() < 0.5:
        lines = (rows + columns) % step == 0
    out[lines] = rng.integers(0, 256, 3)
    return out


def _shaded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Darker to the margins, or under a gradient."""
    rows, columns = (np.linspace(-1, 1, side) for side in image.shape[:2])
    if rng.random() < 0.5:
        light = 1 - rng.uniform(0.2, 0.7) * (rows[:, None] ** 2 + columns[None] ** 2) / 2
        return np.rint(image * light[..., None]).astype(np.uint8)
    share, over = rng.uniform(0.1, 0.5), 127.5 * (1 + columns)[None, :, None]
    return np.rint((1 - share) * image + share * over).astype(np.uint8)


def _tiled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Beside itself, mirrored or not; turned by a quarter."""
    choice = int(rng.integers(3))
    if choice == 0:
        return np.ascontiguousarray(np.rot90(image, int(rng.integers(1, 4))))
    side = image[:, ::-1] if choice == 1 else image
    return np.concatenate([image[3:], side[3:]], axis=1)


PAGES = {
    "page": _page,
    "bars": _bars,
    "framed": _framed,
    "text": _text,
    "screen": _screen,
    "shaded": _shaded,
    "tiled": _tiled,
}
