"""What both images of a pair may have gone through: the rows of `answers.py`'s first table.

Written apart from `trainer.images.treatments`, of which the model's cohort is made: kinds that
both have are at other strengths here, and some are here alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Treat = Callable[[np.ndarray, np.random.Generator], np.ndarray]
BICUBIC = Image.Resampling.BICUBIC


def as_file(codec: str, **options: Any) -> Treat:
    def treat(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, codec, **options)
        with Image.open(buffer) as decoded:
            return np.asarray(decoded.convert("RGB"))

    return treat


def pillow(change: Callable[[Image.Image], Image.Image]) -> Treat:
    return lambda image, rng: np.asarray(change(Image.fromarray(image)).convert("RGB"))


def resized(factor: float, kernel: Image.Resampling = BICUBIC) -> Treat:
    return pillow(lambda i: i.resize((round(factor * i.width), round(factor * i.height)), kernel))


def numbers(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Treat:
    return lambda image, rng: np.clip(
        np.rint(change(image.astype(np.float64), rng)), 0, 255
    ).astype(np.uint8)


def one_by_one(*treats: Treat) -> Treat:
    def treat(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for one in treats:
            image = one(image, rng)
        return image

    return treat


def on_a_page(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1280×800, grey, the picture where a viewer puts it."""
    page = np.full((max(800, image.shape[0] + 144), 1280, 3), 128, np.uint8)
    page[144 : 144 + image.shape[0], 384 : 384 + image.shape[1]] = image[:, :896]
    return page


def bars(shade: int) -> Treat:
    """Above and below, so that the picture is twice as high."""

    def treat(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        bar = np.full((image.shape[0] // 2, image.shape[1], 3), shade, np.uint8)
        return np.concatenate([bar, image, bar])

    return treat


def marked(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    picture = Image.fromarray(image).convert("RGBA")
    over = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(over)
    for top in range(0, picture.height, 40):
        for left in range(0, picture.width, 120):
            draw.text((left + 60 * (top // 40 % 2), top), "SAMPLE IMAGE", (255, 255, 255, 110))
    return np.asarray(Image.alpha_composite(picture, over).convert("RGB"))


def halftone(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] * (2 * np.pi / 5)
    screen = 128 + 60 * np.sin(rows) * np.sin(columns)
    return np.repeat(np.where(image.mean(2) > screen, 255, 0).astype(np.uint8)[..., None], 3, 2)


SEPIA = np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]])

OUTSIDERS: dict[str, Treat] = {
    "as they are": lambda image, rng: image,
    "grey": pillow(lambda i: i.convert("L")),
    "one bit": pillow(lambda i: i.convert("1")),
    "on a 1280x800 grey page": on_a_page,
    "black bars, double height": bars(0),
    "white bars, double height": bars(255),
    "palette of 256": pillow(lambda i: i.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)),
    "JPEG 85, cropped by 3 px, as PNG": one_by_one(
        as_file("JPEG", quality=85), lambda image, rng: image[3:, 3:]
    ),
    "AVIF q60 as PNG": as_file("AVIF", quality=60, speed=8),
    "WebP q80 as PNG": as_file("WEBP", quality=80),
    "enlarged 2x": resized(2),
    "shrunk to 70 %": resized(0.7),
}
"""What outsiders measured."""

OTHERS: dict[str, Treat] = {
    "blurred, 1.5 px": pillow(lambda i: i.filter(ImageFilter.GaussianBlur(1.5))),
    "box blur": pillow(lambda i: i.filter(ImageFilter.BoxBlur(1))),
    "noise, 8": numbers(lambda x, rng: x + rng.normal(0, 8, x.shape)),
    "speckle": numbers(lambda x, rng: x * (1 + rng.normal(0, 0.06, x.shape))),
    "sharpened": pillow(lambda i: i.filter(ImageFilter.UnsharpMask(2, 150, 3))),
    "edges": pillow(lambda i: i.filter(ImageFilter.EDGE_ENHANCE)),
    "relief": pillow(lambda i: i.filter(ImageFilter.EMBOSS)),
    "median": pillow(lambda i: i.filter(ImageFilter.MedianFilter(3))),
    "sepia": numbers(lambda x, rng: x @ SEPIA),
    "inverted": numbers(lambda x, rng: 255 - x),
    "equalised": pillow(ImageOps.equalize),
    "contrast": pillow(lambda i: ImageEnhance.Contrast(i).enhance(1.6)),
    "saturated": pillow(lambda i: ImageEnhance.Color(i).enhance(1.8)),
    "eight levels": pillow(lambda i: ImageOps.posterize(i, 3)),
    "lowest two bits off": lambda image, rng: image & 0xFC,
    "marked": marked,
    "halftone": halftone,
    "scan lines": numbers(
        lambda x, rng: x * np.where(np.arange(len(x)) % 2, 0.8, 1.0)[:, None, None]
    ),
    "mosaic of 4 px": one_by_one(
        resized(0.25, Image.Resampling.BOX), resized(4, Image.Resampling.NEAREST)
    ),
    "to half and back": one_by_one(resized(0.5), resized(2)),
    "enlarged 1.5x, nearest": resized(1.5, Image.Resampling.NEAREST),
    "turned by 5 degrees": pillow(
        lambda i: i.rotate(5, BICUBIC).crop((20, 20, i.width - 20, i.height - 20))
    ),
    "JPEG 2000": as_file("JPEG2000", quality_mode="rates", quality_layers=[20], irreversible=True),
    "JPEG 75, then 90, as PNG": one_by_one(
        as_file("JPEG", quality=75), as_file("JPEG", quality=90)
    ),
    "JPEG 85, enlarged 1.5x": one_by_one(as_file("JPEG", quality=85), resized(1.5)),
    "turned by 90 degrees": lambda image, rng: np.ascontiguousarray(np.rot90(image)),
}
"""Other kinds, for what nobody named."""
