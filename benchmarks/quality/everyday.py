"""More kinds, like those of `treated.py`: devices, patterns, sizes by every kernel, editors."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from scipy import ndimage
from treated import Treat, as_file, numbers, one_by_one, pillow, resized

Kernel = Image.Resampling


def _logo(image: Image.Image) -> Image.Image:
    out = image.copy()
    draw, (width, height) = ImageDraw.Draw(out), image.size
    draw.rectangle((width - 90, height - 40, width - 10, height - 10), fill=(250, 250, 250))
    draw.text((width - 80, height - 32), "getpic.com", (20, 20, 200))
    return out


def _grid(image: Image.Image) -> Image.Image:
    out = image.copy()
    draw = ImageDraw.Draw(out)
    for place in range(0, max(out.size), 16):
        draw.line((place, 0, place, out.height), (0, 0, 0))
        draw.line((0, place, out.width, place), (0, 0, 0))
    return out


def _vignette(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    down, right = (np.linspace(-1, 1, side) for side in image.shape[:2])
    light = np.exp(-(down[:, None] ** 2 + right[None] ** 2))
    return np.asarray(image * (0.4 + 0.6 * light)[..., None])


def _paper(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    texture = np.random.default_rng(7).normal(0, 12, (1024, 1024))
    return np.asarray(image + texture[: image.shape[0], : image.shape[1], None])


def _gif(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "GIF")
    return np.asarray(Image.open(buffer).convert("RGB"))


def _apart(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = image.copy()
    out[:, 2:, 0], out[:, :-2, 2] = image[:, :-2, 0], image[:, 2:, 2]
    return out


def _waves(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    over = 0.08 * np.sin(1.9 * columns + 0.13 * rows) + 0.05 * np.sin(2.3 * rows)
    return np.asarray(image * (1 + over)[..., None])


def _bayer(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 4
    kept = np.zeros(image.shape)
    kept[::2, ::2, 0], kept[1::2, 1::2, 2] = image[::2, ::2, 0], image[1::2, 1::2, 2]
    kept[::2, 1::2, 1], kept[1::2, ::2, 1] = image[::2, 1::2, 1], image[1::2, ::2, 1]
    planes = [ndimage.convolve(kept[..., c], kernel * (1, 0.5, 1)[c]) for c in range(3)]
    return np.stack(planes, axis=2)


def _half_colours(image: Image.Image) -> Image.Image:
    small = image.resize((image.width // 2, image.height // 2), Kernel.BOX)
    back = small.resize(image.size, Kernel.BILINEAR).convert("YCbCr").split()
    return Image.merge("YCbCr", (image.convert("YCbCr").split()[0], *back[1:])).convert("RGB")


def _tilted(image: Image.Image) -> Image.Image:
    width, height = image.size
    corners = (10, 5, 3, height - 8, width - 12, height - 3, width - 4, 9)
    return image.transform(image.size, Image.Transform.QUAD, corners, Kernel.BICUBIC)


def _pepper(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    chance = rng.random(image.shape[:2])[..., None]
    return np.where(chance < 0.015, 0, np.where(chance > 0.985, 255, image)).astype(np.uint8)


def _turned(angle: float, kernel: Image.Resampling, *, whole: bool) -> Treat:
    def turn(image: Image.Image) -> Image.Image:
        out = image.rotate(angle, kernel, expand=whole)
        quarter = (out.width // 4, out.height // 4, 3 * out.width // 4, 3 * out.height // 4)
        return out if whole else out.crop(quarter)

    return pillow(turn)


def _scanned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sensors = np.random.default_rng(5).normal(0, 1.5, (1, 4096, 3))[:, : image.shape[1]]
    seen = 0.9 * ndimage.gaussian_filter(image, (0.9, 0.5, 0)) + 12
    return np.asarray(seen + rng.normal(0, 2, image.shape) + sensors)


def _printed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    dots = np.empty(image.shape)
    for colour, angle in enumerate((15, 75, 0)):
        right, down = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        across = np.sin((columns * right + rows * down) * 2 * np.pi / 5)
        screen = 128 + 60 * across * np.sin((rows * right - columns * down) * 2 * np.pi / 5)
        dots[..., colour] = 255 / (1 + np.exp(-(image[..., colour] - screen) / 18))
    return np.asarray(ndimage.gaussian_filter(dots, (0.7, 0.7, 0)))


def _blended(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = image.copy()
    out[1::2] = (image[: len(image) // 2 * 2 : 2] + image[1::2]) / 2
    return out


def _soft_colours(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    luma = (image @ [0.299, 0.587, 0.114])[..., None]
    return np.asarray(luma + ndimage.gaussian_filter(image - luma, (1.5, 1.5, 0)))


def _one_sensor(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 4, (4096, 4096))
    return np.asarray(image + noise[: image.shape[0], : image.shape[1], None])


def _lines_of_text(image: Image.Image) -> Image.Image:
    out, text = image.copy(), "the quick brown fox " * 8
    ImageDraw.Draw(out).multiline_text((5, 5), "\n".join([text] * 80), (240, 240, 240))
    return out


def _filtered(kernel: ImageFilter.Filter | type[ImageFilter.Filter]) -> Treat:
    return pillow(lambda image: image.filter(kernel))


EVERYDAY: dict[str, Treat] = {
    **{
        f"enlarged {factor}x, {kernel.name.lower()}": resized(factor, kernel)
        for factor in (1.1, 1.33, 1.6, 1.8)
        for kernel in (
            *(Kernel.NEAREST, Kernel.BOX, Kernel.BILINEAR, Kernel.HAMMING, Kernel.BICUBIC),
        )
    },
    "enlarged 2x, nearest": resized(2, Kernel.NEAREST),
    "enlarged 2x, bilinear": resized(2, Kernel.BILINEAR),
    "enlarged 2x, lanczos": resized(2, Kernel.LANCZOS),
    "enlarged 3x, lanczos": resized(3, Kernel.LANCZOS),
    "wider by half": pillow(lambda i: i.resize((i.width * 3 // 2, i.height), Kernel.BICUBIC)),
    "shrunk to 33 %, box": resized(0.33, Kernel.BOX),
    "shrunk to half, nearest": resized(0.5, Kernel.NEAREST),
    "turned by 20 degrees, whole": _turned(20, Kernel.BICUBIC, whole=True),
    "turned by 45 degrees, whole": _turned(45, Kernel.BILINEAR, whole=True),
    "turned by 45 degrees, cut": _turned(45, Kernel.BICUBIC, whole=False),
    "photographed aslant": pillow(_tilted),
    "every second line repeated": lambda image, rng: np.repeat(image[::2], 2, axis=0),
    "behind a Bayer filter": numbers(_bayer),
    "red and blue apart": _apart,
    "half the colours": pillow(_half_colours),
    "waves": numbers(_waves),
    "grid of lines": pillow(_grid),
    "paper": numbers(_paper),
    "film grain": numbers(lambda x, rng: x + rng.normal(0, 10, x.shape[:2])[..., None]),
    "noise, 3": numbers(lambda x, rng: x + rng.normal(0, 3, x.shape)),
    "pepper and salt": _pepper,
    "vignette": numbers(_vignette),
    "frame of 1 px": pillow(lambda i: ImageOps.expand(i, 1, "black")),
    "frame of 30 px": pillow(lambda i: ImageOps.expand(i, 30, "white")),
    "logo": pillow(_logo),
    "beside its mirror image": lambda image, rng: np.concatenate([image, image[:, ::-1]], axis=1),
    "GIF": _gif,
    "16 colours, dithered": pillow(lambda i: i.quantize(16, dither=Image.Dither.FLOYDSTEINBERG)),
    "gamma 2.2": numbers(lambda x, rng: 255 * (x / 255) ** 2.2),
    "gamma 0.45": numbers(lambda x, rng: 255 * (x / 255) ** 0.45),
    "colours swapped": lambda image, rng: np.ascontiguousarray(image[..., [1, 2, 0]]),
    "solarised": pillow(ImageOps.solarize),
    "tinted": numbers(lambda x, rng: x * np.array([1, 0.7, 0.4])),
    "darker": numbers(lambda x, rng: 0.3 * x),
    "paler": numbers(lambda x, rng: 0.3 * x + 170),
    "detail": _filtered(ImageFilter.DETAIL),
    "sharpened strongly": _filtered(ImageFilter.UnsharpMask(1, 400, 0)),
    "smoothed": _filtered(ImageFilter.SMOOTH_MORE),
    "blurred, 0.7 px": _filtered(ImageFilter.GaussianBlur(0.7)),
    "median of 5": _filtered(ImageFilter.MedianFilter(5)),
    "mode of 5": _filtered(ImageFilter.ModeFilter(5)),
    "least of 3": _filtered(ImageFilter.MinFilter(3)),
    "contours": _filtered(ImageFilter.CONTOUR),
    "WebP 95 as PNG": as_file("WEBP", quality=95),
    "JPEG 95 4:4:4 as PNG": as_file("JPEG", quality=95, subsampling=0),
    "WebP 60, shrunk to 80 %": one_by_one(as_file("WEBP", quality=60), resized(0.8)),
    **{
        f"enlarged {factor}x, lanczos": resized(factor, Kernel.LANCZOS)
        for factor in (1.25, 1.75, 2.25, 2.67)
    },
    "to 60 %, then 1.9x": one_by_one(resized(0.6, Kernel.LANCZOS), resized(1.9)),
    "scanned": numbers(_scanned),
    "printed in colours": numbers(_printed),
    "lines blended": numbers(_blended),
    "colours softened": numbers(_soft_colours),
    "softened, then noise": numbers(
        lambda x, rng: ndimage.gaussian_filter(x, (1, 1, 0)) + rng.normal(0, 2, x.shape)
    ),
    "noise of one sensor": numbers(_one_sensor),
    "stripes": numbers(
        lambda x, rng: x + 6 * np.sin(2 * np.pi * np.arange(x.shape[1]) / 6.3)[:, None]
    ),
    "lines of text": pillow(_lines_of_text),
    "WebP 75, shrunk to 90 %": one_by_one(as_file("WEBP", quality=75), resized(0.9)),
    "median of 3 across": numbers(lambda x, rng: ndimage.median_filter(x, (1, 3, 1))),
}
"""Written without a look at the cohort. What passed then has been looked at since."""
