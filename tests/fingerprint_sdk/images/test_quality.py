"""Quality flags, on real encoded files."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from fingerprint_sdk.images import load_image, windows
from fingerprint_sdk.images.quality import Quality, assess, residual_power


def judge(source: object) -> Quality:
    loaded = load_image(source)
    return assess(loaded, windows(loaded.pixels))


@pytest.fixture(scope="module")
def image(sample_images: dict[str, list[np.ndarray]]) -> Image.Image:
    return Image.fromarray(sample_images["source1"][0])


def test_jpeg_quality_is_read_back_from_the_tables(image: Image.Image) -> None:
    for quality in range(1, 101):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        judged = judge(buffer.getvalue())
        assert judged.jpeg_quality == quality
        assert judged.lossy
        assert "lossy" in judged.flags


def test_a_pil_image_opened_from_jpeg_still_tells(image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    with Image.open(buffer) as opened:
        assert judge(opened).jpeg_quality == 80


def test_clean_images_have_no_flags(image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    judged = judge(buffer.getvalue())
    assert judged == Quality(260, 200, "PNG", False, None, False, False)
    assert judged.flags == ()


def test_the_verdict_on_compression_survives_a_change_of_container(image: Image.Image) -> None:
    jpeg, png = io.BytesIO(), io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    with Image.open(jpeg) as opened:
        pixels = np.asarray(opened)
        opened.save(png, "PNG")
    for source in (jpeg.getvalue(), png.getvalue(), pixels):
        assert judge(source).lossy is True
    assert judge(np.asarray(image)).lossy is None


@pytest.mark.parametrize(("height", "width", "small"), [(127, 500, True), (128, 128, False)])
def test_too_small_looks_at_both_sides(height: int, width: int, small: bool) -> None:
    assert judge(np.zeros((height, width, 3), np.uint8)).too_small is small


def test_flat_images_are_told_from_faint_texture() -> None:
    gradient = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 256, 3))
    assert judge(np.full((256, 256, 3), 200, np.uint8)).flat
    assert judge(gradient).flat
    faint = np.random.default_rng(0).integers(100, 102, (256, 256, 3), dtype=np.uint8)
    assert not judge(faint).flat


def test_residual_power_equals_a_direct_laplacian() -> None:
    from scipy.signal import convolve2d

    cut = np.random.default_rng(0).integers(0, 256, (2, 3, 128, 128), dtype=np.uint8)
    kernel = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    expected = [np.square(convolve2d(w[1].astype(float), kernel, "valid")).mean() for w in cut]
    assert residual_power(cut) == pytest.approx(np.mean(expected), rel=1e-5)


def test_as_dict_is_json(image: Image.Image) -> None:
    assert json.loads(json.dumps(judge(image).as_dict()))["width"] == 260
