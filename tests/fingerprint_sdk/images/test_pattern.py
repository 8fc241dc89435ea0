"""A pattern of a period that no decoder has is found where two pictures share it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage
from support.pictures import picture

from fingerprint_sdk.images.pattern import (
    SHARED_PEAK,
    common_square,
    prominence,
    shared_peak,
)


def peak(a: np.ndarray, b: np.ndarray) -> float:
    side = common_square(a, b)
    assert side is not None
    return shared_peak(prominence(a, side), prominence(b, side))


def resized(pixels: np.ndarray, factor: float, kernel: Image.Resampling) -> np.ndarray:
    image = Image.fromarray(pixels)
    size = (round(factor * image.width), round(factor * image.height))
    return np.asarray(image.resize(size, kernel))


def overlaid(pixels: np.ndarray, period: float, strength: float = 0.06) -> np.ndarray:
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    waves = np.sin(2 * np.pi * columns / period) + np.sin(2 * np.pi * rows / period)
    return np.clip(pixels * (1 + strength * waves[..., None]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(512, 640), (300, 300), (256, 280)])
def test_pictures_have_no_pattern_in_common(shape: tuple[int, int]) -> None:
    a, b = (picture(seed, *shape) for seed in (0, 1))
    assert peak(a, b) < 4
    soft = [np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(1))) for x in (a, b)]
    assert peak(*soft) < 4


@pytest.mark.parametrize("factor", [1.25, 1.5, 1.8, 2.5])
@pytest.mark.parametrize("kernel", [Image.Resampling.BILINEAR, Image.Resampling.HAMMING])
def test_resizing_is_found_in_both(factor: float, kernel: Image.Resampling) -> None:
    a, b = (picture(seed) for seed in (0, 1))
    larger = [resized(x, factor, kernel) for x in (a, b)]
    assert peak(*larger) >= SHARED_PEAK
    assert peak(larger[0], b) < SHARED_PEAK, "in one alone it is shared with nobody"


def test_resizing_by_eighths_leaves_what_a_decoder_does() -> None:
    larger = [resized(picture(seed), 1.6, Image.Resampling.BILINEAR) for seed in (0, 1)]
    assert peak(*larger) < SHARED_PEAK


@pytest.mark.parametrize("period", [3, 5, 7.3, 20])
def test_waves_are_found_whatever_the_sizes(period: float) -> None:
    a = overlaid(picture(0), period)
    assert peak(a, overlaid(picture(1), period)) >= SHARED_PEAK
    assert peak(a, overlaid(picture(1, 260, 700), period)) >= SHARED_PEAK
    assert peak(a, overlaid(picture(1), 1.3 * period)) < SHARED_PEAK


def test_lengths_may_differ_by_what_rounding_does() -> None:
    """One frequency of the square beside the other's, and what the window makes of either."""
    a, near, far = (overlaid(picture(seed), 512 / f) for seed, f in ((0, 101), (1, 104), (1, 109)))
    assert peak(a, near) >= SHARED_PEAK
    assert peak(a, far) < SHARED_PEAK


def test_stripes_across_are_not_stripes_across_of_every_second_column() -> None:
    """Frequencies of a row end at half a cycle a pixel, and do not go on at none."""
    rows, columns = np.mgrid[:512, :640]
    stripes = np.sin(2 * np.pi * rows / 5.3)[..., None]
    every_second = stripes * np.where(columns % 2, -1, 1)[..., None]
    a, b = (
        np.clip(picture(seed) + 20 * over, 0, 255).astype(np.uint8)
        for seed, over in ((0, stripes), (1, every_second))
    )
    maps = [prominence(x, 512)[:1] for x in (a, b)]
    assert shared_peak(*maps) < SHARED_PEAK


@pytest.mark.parametrize("period", [2, 4, 8, 16, 32])
def test_the_periods_of_decoders_are_evidence(period: int) -> None:
    grid = np.random.default_rng(9).normal(0, 12, (period, period, 1))
    pattern = np.tile(grid, (512 // period, 640 // period, 1))
    a, b = (np.clip(picture(seed) + pattern, 0, 255).astype(np.uint8) for seed in (0, 1))
    assert peak(a, b) < SHARED_PEAK


def test_what_pictures_show_is_slow() -> None:
    a, b = (overlaid(picture(seed), 40) for seed in (0, 1))
    assert peak(a, b) < SHARED_PEAK


def test_the_largest_square_that_all_have() -> None:
    large, small = np.zeros((700, 2000, 3), np.uint8), np.zeros((330, 400, 3), np.uint8)
    assert common_square(large) == 512
    assert common_square(large, small) == common_square(small) == 320
    assert common_square(small[:256]) == 256
    assert common_square(large, small[:255]) is None


def test_a_flat_picture_has_no_pattern() -> None:
    flat = np.full((300, 300, 3), 9, np.uint8)
    found = prominence(flat, 256)
    assert np.isfinite(found).all()
    assert shared_peak(found, found) < SHARED_PEAK


def test_prominence_is_that_of_the_equations() -> None:
    """docs/method.md, "Shared patterns", written down once more, with scipy's filters."""
    pixels = overlaid(picture(5, 300, 280), 5)
    grey = pixels[22:278, 12:268].astype(float).mean(2)
    down = ndimage.convolve1d(grey, [-1, 2, -1], axis=0, mode="wrap")
    right = ndimage.convolve1d(grey, [-1, 2, -1], axis=1, mode="wrap")
    limit = 4 * np.abs(down + right).mean()
    maps = [
        np.clip(down + right, -limit, limit),
        np.log(np.abs(down + right) + 0.5),
        np.log(np.abs(down) + 0.5) + np.log(np.abs(right) + 0.5),
    ]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    window = np.outer(hann, hann)
    found = prominence(pixels, 256)
    for wanted, got in zip(maps, found, strict=True):
        magnitude = np.abs(np.fft.fft2((wanted - wanted.mean()) * window))
        logarithm = np.log(np.roll(magnitude, 128, axis=0))[:, :129]
        around = np.maximum(
            ndimage.uniform_filter1d(logarithm, 21, axis=0, mode="wrap"),
            ndimage.uniform_filter1d(logarithm, 21, axis=1, mode="mirror"),
        )
        stands_out = np.exp(logarithm - around)
        rows, columns = np.mgrid[-128:128, :129]
        near = [np.abs((x + 4) % 8 - 4) <= 2 for x in (rows, columns)]
        looked_at = ~(near[0] & near[1]) & (np.hypot(rows, columns) > 256 / 24)
        np.testing.assert_array_equal(got > 0, looked_at)
        np.testing.assert_allclose(got[looked_at], stands_out[looked_at], rtol=0.01)
