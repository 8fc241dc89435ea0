"""Operations of a given strength: what each does to pixels, against independent references."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from support.photographs import photograph

from trainer.images import operations


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.asarray(photograph(3, 96, 64))


@pytest.mark.parametrize("subsampling", [0, 2])
def test_jpeg_is_that_of_the_same_file(picture: np.ndarray, subsampling: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=80, subsampling=subsampling)
    with Image.open(buffer) as file:
        assert JpegImagePlugin.get_sampling(file) == subsampling
        expected = np.asarray(file)
    np.testing.assert_array_equal(operations.jpeg(picture, 80, subsampling), expected)


@pytest.mark.parametrize(
    ("operation", "mild", "strong"),
    [("jpeg", 90, 40), ("webp", 90, 30), ("blur", 0.5, 2.0), ("crop_resize", 0.9, 0.4)],
)
def test_stronger_levels_change_more(
    picture: np.ndarray, operation: str, mild: float, strong: float
) -> None:
    apply = getattr(operations, operation)
    before = picture.copy()

    def change(level: float) -> float:
        out = apply(picture, level)
        assert out.shape == picture.shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(out, apply(picture, level))
        return float(np.abs(out.astype(float) - picture).mean())

    assert 0 < change(mild) < change(strong)
    np.testing.assert_array_equal(picture, before)


def test_crop_resize_shows_the_middle() -> None:
    """The middle quarter of a ramp, resized back: half the slope, the same middle."""
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 80, axis=0)
    ramp = np.repeat(ramp, 3, axis=2)
    out = operations.crop_resize(ramp, 0.25)
    assert out.shape == ramp.shape
    row = out[40, 10:-10, 0].astype(float)
    np.testing.assert_allclose(np.diff(row).mean(), 1.0, atol=0.02)
    np.testing.assert_allclose(row.mean(), ramp[40, :, 0].mean(), atol=1)
    np.testing.assert_array_equal(operations.crop_resize(ramp, 1.0), ramp)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25])
def test_resize_scales_both_sides(picture: np.ndarray, factor: float) -> None:
    assert operations.resize(picture, factor).shape == (round(64 * factor), round(96 * factor), 3)


def test_noise_has_the_deviation_asked_for() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    out = operations.noise(grey, 3.0, np.random.default_rng(0)).astype(float)
    assert out.mean() == pytest.approx(128, abs=0.05)
    assert out.std() == pytest.approx(np.hypot(3, np.sqrt(1 / 12)), rel=0.01)  # and rounding


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.25])
def test_screenshot_interpolates_between_the_four_nearest(scale: float) -> None:
    """Against scipy, at the places that a viewer half a pixel off the grid samples."""
    from scipy.ndimage import map_coordinates

    image = np.asarray(photograph(5, 70, 50))
    out = operations.screenshot(image, scale)
    height, width = out.shape[:2]
    assert (height, width) == (int(49 * scale), int(69 * scale))
    y = (np.arange(height) + 0.5) / scale  # pixel centres, minus half a pixel, plus the offset
    x = (np.arange(width) + 0.5) / scale
    for channel in range(3):
        expected = map_coordinates(
            image[..., channel].astype(float), np.meshgrid(y, x, indexing="ij"), order=1
        )
        got = out[..., channel].astype(float)
        inside = (slice(1, -1), slice(1, -1))
        np.testing.assert_allclose(got[inside], expected[inside], atol=1.01)
