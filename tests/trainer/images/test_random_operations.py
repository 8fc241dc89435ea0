"""What happens to the images that an extractor learns from."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.photographs import photograph

from trainer.extractor.variants import fade, faint_share, process
from trainer.images import random_operations as operations
from trainer.images.random_operations import Processing

pytestmark = pytest.mark.usefixtures("one_thread")


# operations


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.asarray(photograph(0, 72, 64))


@pytest.mark.parametrize("name", ["jpeg", "webp", "blur", "noise"])
def test_operations_keep_shape_and_dtype_and_follow_the_seed(
    name: str, picture: np.ndarray
) -> None:
    operation = getattr(operations, name)
    for seed in range(6):
        before = picture.copy()
        out = operation(picture, np.random.default_rng(seed))
        assert out.shape == picture.shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(picture, before)  # the input is left alone
        np.testing.assert_array_equal(out, operation(picture, np.random.default_rng(seed)))
        change = np.abs(out.astype(float) - picture)
        assert 0 < change.mean() < 20


def test_jpeg_really_quantises(picture: np.ndarray) -> None:
    """At low quality most DCT coefficients of a block are zero; in the input hardly any are."""
    from scipy.fft import dctn

    grey = np.repeat(picture[..., 1:2], 3, axis=2)  # all information is in the luma

    def zeros(image: np.ndarray) -> float:
        blocks = image[..., 1].astype(float).reshape(8, 8, 9, 8).swapaxes(1, 2)
        return float(np.mean(np.abs(dctn(blocks, axes=(2, 3), norm="ortho")) < 1.5))

    coarse = operations.jpeg(grey, np.random.default_rng(0), Processing(jpeg=(20, 20)))
    fine = operations.jpeg(grey, np.random.default_rng(0), Processing(jpeg=(98, 98)))
    assert zeros(grey) < 0.45
    assert zeros(coarse) > 0.7
    assert np.abs(fine.astype(int) - grey).mean() < np.abs(coarse.astype(int) - grey).mean() / 2


def test_jpeg_draws_qualities_tables_and_subsamplings(
    picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read back from the real files that it writes."""
    from PIL import JpegImagePlugin

    seen: list[tuple[int, tuple[int, ...]]] = []
    through = operations.operations.encode

    def spy(image: np.ndarray, container: str, **options: object) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, container, **options)
        with Image.open(buffer) as file:
            seen.append((JpegImagePlugin.get_sampling(file), tuple(file.quantization[0])))
        return through(image, container, **options)

    monkeypatch.setattr(operations.operations, "encode", spy)
    rng = np.random.default_rng(0)
    for _ in range(60):
        operations.jpeg(picture, rng)
    assert {sampling for sampling, _ in seen} == {0, 2}
    assert len({table for _, table in seen}) > 20


def test_processing_changes_every_image_its_own_way(picture: np.ndarray) -> None:
    images = np.stack([picture.transpose(2, 0, 1)] * 8)
    out = process(images, np.random.default_rng(0), 2, Processing())
    assert out.shape == images.shape
    assert out.dtype == np.uint8
    assert len({image.tobytes() for image in out} | {images[0].tobytes()}) == 9


def test_the_first_processed_variant_is_jpeg_as_platforms_publish_it(picture: np.ndarray) -> None:
    images = np.stack([picture.transpose(2, 0, 1)] * 8)
    out = process(images, np.random.default_rng(0), 1, Processing())
    known = {through_jpeg(picture, quality) for quality in range(75, 96)}
    assert {image.transpose(1, 2, 0).tobytes() for image in out} <= known
    assert len({image.tobytes() for image in out}) > 3  # qualities


def through_jpeg(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB")).tobytes()


# faint copies


def test_a_faded_image_keeps_the_share_of_its_difference() -> None:
    contents = np.full((2, 3, 8, 8), 100, np.uint8)
    images = contents + np.array([40, 20], np.uint8)[:, None, None, None]
    np.testing.assert_array_equal(fade(images, contents, 1.0), images)
    faded = fade(images, contents, 0.5)
    assert faded.dtype == np.uint8
    assert (faded[0] == 120).all()
    assert (faded[1] == 110).all()


def test_the_error_of_faint_copies_is_log_uniform_down_to_the_faintest() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([faint_share(0.1, 0.001, rng) for _ in range(4000)])
    errors = np.log10(0.1 * shares**2)
    assert -3 <= errors.min() < -2.99
    assert -1.01 < errors.max() <= -1
    assert np.median(errors) == pytest.approx(-2, abs=0.05)
    assert faint_share(0.0005, 0.001, rng) == 1.0  # fainter already
