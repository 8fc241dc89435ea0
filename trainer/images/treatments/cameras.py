"""What cameras, scanners and displays do: colour filters, lenses, lines of a field."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from trainer.images.operations import resize
from trainer.images.treatments.colours import LUMA
from trainer.images.treatments.noises import grey_levels

_BAYER = np.array([[0, 1], [1, 2]])  # red, green; green, blue
_XTRANS = np.array(
    [
        [1, 2, 1, 1, 0, 1],
        [0, 1, 0, 2, 1, 2],
        [1, 2, 1, 1, 0, 1],
        [1, 0, 1, 1, 2, 1],
        [2, 1, 2, 0, 1, 0],
        [1, 0, 1, 1, 2, 1],
    ]
)
_SECOND = np.array([[0, 0, -1, 0, 0], [0] * 5, [-1, 0, 4, 0, -1], [0] * 5, [0, 0, -1, 0, 0]]) / 8


def _demosaiced(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One colour a pixel is kept, as behind a colour filter, and the others are guessed.

    By a mean of the neighbours, of differences to green, or with a share of the kept colour's own
    second difference (Malvar, He and Cutler 2004); known places stay or are smoothed, too.
    """
    filters = _XTRANS if rng.random() < 0.2 else np.roll(_BAYER, rng.integers(0, 2, 2), (0, 1))
    rows, columns = (length // len(filters) + 1 for length in image.shape[:2])
    kept = np.tile(filters, (rows, columns))[: image.shape[0], : image.shape[1]]
    raw = np.take_along_axis(image, kept[..., None], axis=2)[..., 0].astype(np.float64)
    way, smooth, width = rng.integers(4), rng.random() < 0.4, float(rng.choice((0.6, 0.85, 1.2)))
    tent = np.outer([1, 2, 1], [1, 2, 1]) if rng.random() < 0.6 else _bell(width)
    green = _guessed(raw, kept == 1, tent, smooth=smooth)
    out = np.empty(image.shape)
    for colour in range(3):
        known = kept == colour
        if colour == 1:
            out[..., 1] = green
        elif way < 2:  # hue is what is smooth
            hue = _guessed(raw - green, known, tent, smooth=smooth)
            out[..., colour] = green + (ndimage.median_filter(hue, 3) if way else hue)
        else:
            out[..., colour] = _guessed(raw, known, tent, smooth=smooth)
    if way == 3:
        finer = rng.uniform(0.2, 1) * ndimage.convolve(raw, _SECOND, mode="mirror")
        for colour in range(3):
            out[..., colour] += np.where(kept == colour, 0.0, finer)
    return grey_levels(out)


def _bell(width: float) -> np.ndarray:
    across = np.exp(-0.5 * (np.arange(-2, 3) / width) ** 2)
    return np.outer(across, across)


def _guessed(
    values: np.ndarray, known: np.ndarray, kernel: np.ndarray, *, smooth: bool
) -> np.ndarray:
    """Each place by the known ones around it, weighted; known ones stay unless all is smoothed."""
    total = ndimage.convolve(np.where(known, values, 0.0), kernel, mode="mirror")
    weight = ndimage.convolve(known.astype(np.float64), kernel, mode="mirror")
    mean = total / np.maximum(weight, 1e-9)
    return mean if smooth else np.where(known, values, mean)


def _display(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Photographed off a screen: stripes of each colour, of black or a grid; then another size."""
    pitch, depth = int(rng.integers(2, 7)), float(rng.uniform(0.1, 0.6))
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    kind = rng.integers(3)
    if kind == 0:
        dark = (columns[..., None] + np.arange(3)) % max(pitch, 3) != 0
    else:
        dark = (columns % pitch == 0)[..., None]
        if kind == 2:
            dark |= (rows % pitch == 0)[..., None]
    light = 1 / (1 - depth / 2) if rng.random() < 0.5 else 1
    shown = grey_levels(image * np.where(dark, 1 - depth, 1.0) * light)
    if rng.random() < 0.6:
        shown = resize(shown, float(rng.uniform(0.7, 1.4)))
    return shown


def _moved_channels(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Red and blue beside their places: by whole pixels, by parts of one, or a little larger."""
    out, way = image.astype(np.float64), rng.integers(3)
    shift = rng.uniform(0.3, 3, 2) * rng.choice((-1, 1), 2)
    shift[int(rng.integers(2))] *= rng.random() < 0.5
    shift = np.sign(shift) * np.ceil(np.abs(shift)) if way == 0 else shift
    larger = float(rng.uniform(0.001, 0.006))
    for channel, sign in ((0, 1), (2, -1 if rng.random() < 0.6 else 0)):
        if way == 2:
            scale = 1 - sign * larger
            middle = (1 - scale) * np.array(image.shape[:2]) / 2
            out[..., channel] = ndimage.affine_transform(
                out[..., channel], (scale, scale), middle, order=1, mode="nearest"
            )
        else:
            out[..., channel] = ndimage.shift(
                out[..., channel], sign * shift, order=1, mode="nearest"
            )
    return grey_levels(out)


def _fields(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every second line, or column, from its neighbours: repeated, or their mean."""
    axis, first, mean = int(rng.integers(2)), int(rng.integers(2)), rng.random() < 0.5
    lines = np.moveaxis(image.astype(np.float64), axis, 0).copy()
    if rng.random() < 0.4:  # taken at another moment
        lines[first::2] = np.roll(lines[first::2], int(rng.integers(1, 5)), 1)
    if rng.random() < 0.7:
        above, below = np.roll(lines, 1, 0), np.roll(lines, -1, 0)
        guessed = (above + below) / 2 if mean else above
        lines[first::2] = guessed[first::2]
    if rng.random() < 0.3:
        lines = ndimage.convolve1d(lines, np.array([1, 2, 1]) / 4, axis=0, mode="mirror")
    return grey_levels(np.moveaxis(lines, 0, axis))


def _blended_lines(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every second line, or column, mixed with the one before it, or with both beside it."""
    axis, first = int(rng.integers(2)), int(rng.integers(2))
    lines = np.moveaxis(image.astype(np.float64), axis, 0).copy()
    share, before = rng.uniform(0.3, 0.7), np.roll(lines, 1, 0)
    others = before if rng.random() < 0.6 else (before + np.roll(lines, -1, 0)) / 2
    lines[first::2] = (share * lines + (1 - share) * others)[first::2]
    return grey_levels(np.moveaxis(lines, 0, axis))


def _soft_chroma(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours smoothed, as cameras do against their noise; luma as it is."""
    luma = (image @ LUMA)[..., None]
    chroma, way = image - luma, rng.integers(3)
    if way == 0:
        width = float(rng.uniform(0.6, 3))
        soft = ndimage.gaussian_filter(chroma, (width, width, 0))
    elif way == 1:
        soft = ndimage.uniform_filter(chroma, (*[int(rng.choice((3, 5, 7)))] * 2, 1))
    else:
        soft = ndimage.median_filter(chroma, (*[int(rng.choice((3, 5)))] * 2, 1))
    return grey_levels(luma + soft)


def _coarse_chroma(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours at a half or a quarter of either side, by any kernel; luma as it is."""
    luma, *chroma = Image.fromarray(image).convert("YCbCr").split()
    across, down = ((2, 1), (1, 2), (2, 2), (4, 1), (4, 4))[rng.integers(5)]
    kernels = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
    back = (Image.Resampling.NEAREST, *kernels[1:], Image.Resampling.LANCZOS)
    first, second = kernels[rng.integers(3)], back[rng.integers(4)]
    size = (max(1, luma.width // across), max(1, luma.height // down))
    small = [plane.resize(size, first).resize(luma.size, second) for plane in chroma]
    if rng.random() < 0.3:  # the range of video
        video = (lambda value: 16 + value * 219 // 255, lambda value: (value - 16) * 255 // 219)
        luma = luma.point(video[0]).point(video[1])
    return np.asarray(Image.merge("YCbCr", [luma, *small]).convert("RGB"))


CAMERAS = {
    "demosaiced": _demosaiced,
    "display": _display,
    "moved channels": _moved_channels,
    "fields": _fields,
    "blended lines": _blended_lines,
    "soft chroma": _soft_chroma,
    "coarse chroma": _coarse_chroma,
}
