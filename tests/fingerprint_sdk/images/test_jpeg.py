"""JPEG traces, on synthetic pictures and on pictures by real generators."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn
from support.paths import EVAL
from support.tiny_model import synthetic_image

from fingerprint_sdk.images.jpeg import (
    DETECTOR,
    _coefficients,
    estimate_jpeg_quality,
    was_jpeg,
)


def through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as image:
        return np.asarray(image)


def test_coefficients_equal_scipys_dct() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    luma = pixels.astype(float) @ [0.299, 0.587, 0.114]
    rows, columns = np.transpose(DETECTOR.frequencies)
    expected = [
        dctn(luma[8 * i : 8 * i + 8, 8 * j : 8 * j + 8], norm="ortho")[rows, columns]
        for i in range(10)
        for j in range(12)
    ]
    np.testing.assert_allclose(_coefficients(pixels, DETECTOR), np.transpose(expected), atol=1e-2)


@pytest.mark.parametrize("quality", [75, 85, 92, 95])
def test_a_jpeg_past_is_seen_in_the_pixels(quality: int) -> None:
    pixels = synthetic_image(0, 1, 400, 400)
    assert not was_jpeg(pixels)
    decoded = through_jpeg(pixels, quality)
    assert was_jpeg(decoded)
    assert was_jpeg(decoded[16:, 32:])  # cropped on the grid


def test_other_damage_is_not_called_jpeg() -> None:
    pixels = synthetic_image(1, 0, 400, 400)
    image = Image.fromarray(pixels)
    small = image.resize((50, 50))
    rng = np.random.default_rng(0)
    others = {
        "palette": image.quantize(64).convert("RGB"),
        "bilevel": image.convert("1").convert("RGB"),
        "8x8 cells": small.resize((400, 400), Image.Resampling.NEAREST),
        "enlarged": small.resize((400, 400), Image.Resampling.BILINEAR),
        "few bits": Image.fromarray(pixels & 0xE0),
        "noise": Image.fromarray(rng.integers(0, 256, (400, 400, 3), dtype=np.uint8)),
        "flat": Image.new("RGB", (400, 400), (1, 2, 3)),
    }
    assert [name for name, one in others.items() if was_jpeg(np.asarray(one))] == []


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7), (8, 8)])
def test_images_too_small_to_tell_are_not_called_jpeg(shape: tuple[int, int]) -> None:
    assert not was_jpeg(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))


def test_tables_of_other_encoders_get_a_quality_of_like_coarseness() -> None:
    assert estimate_jpeg_quality((1,) * 64) == 100
    assert estimate_jpeg_quality((255,) * 64) == 1
    assert 45 <= estimate_jpeg_quality((58,) * 64) <= 55


@pytest.mark.skipif(not EVAL.is_dir(), reason="the evaluation images are not here")
def test_on_real_generators_it_is_rarely_missed_and_never_imagined() -> None:
    lossless = (
        sorted(EVAL.glob("lossless/**/*.webp"))[::12] + sorted(EVAL.glob("nets/**/*.webp"))[::12]
    )
    jpegs = sorted(EVAL.glob("jpeg/**/*.jpg"))[::20]
    assert len(lossless) > 20
    assert len(jpegs) > 20
    seen = {
        path: was_jpeg(np.asarray(Image.open(path).convert("RGB"))) for path in lossless + jpegs
    }
    assert not [path for path in lossless if seen[path]]
    assert np.mean([seen[path] for path in jpegs]) > 0.9
