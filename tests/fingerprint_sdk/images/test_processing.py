"""Kinds of processing: names that say all, and pixels as the codecs give them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.tiny_model import synthetic_image

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.copies import BANK, COPY_SIDE, bank, copy_of, like, lossy_kind
from fingerprint_sdk.images.decode import LoadedImage
from fingerprint_sdk.images.processing import (
    Chain,
    Jpeg,
    JpegTables,
    Scale,
    WebP,
    available,
    kind_named,
)
from fingerprint_sdk.images.quality import Quality, assess, counted_windows


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return synthetic_image(0, 0)


def encoded(pixels: np.ndarray, codec: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, codec, **options)
    return buffer.getvalue()


def quality_of(image: object) -> Quality:
    loaded = load_image(image)  # type: ignore[arg-type]
    return assess(loaded, counted_windows(loaded.pixels))


def test_a_name_gives_back_its_kind() -> None:
    assert len({kind.name for kind in BANK}) == len(BANK)
    for kind in BANK:
        assert kind_named(kind.name) == kind
    assert kind_named("scale 0.7") == Scale(0.7)
    assert kind_named("jpeg 85 4:2:0") == Jpeg(85, "4:2:0")
    assert kind_named("webp 80").lossy
    assert not kind_named("scale 2").lossy
    twice = Chain(Scale(0.6), Jpeg(80, "4:2:0"))
    assert kind_named("scale 0.6 then jpeg 80 4:2:0") == twice
    assert twice.lossy


@pytest.mark.parametrize(
    "name",
    [
        "jpeg",
        "jpeg 85",
        "jpeg 85 4:1:1",
        "jpeg 085 4:2:0",
        "jpeg x 4:2:0",
        "scale",
        "scale x",
        "scale 0.70",
        "webp 80 4:2:0",
        "webp",
        "gif 3",
        "as enrolled",
        "scale 0.6 then ",
        "webp 80 then webp 80 then webp 80",
        " webp 80",
    ],
)
def test_what_is_no_kind_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no kind of processing"):
        kind_named(name)


def test_every_kind_does_what_its_name_says(pixels: np.ndarray) -> None:
    assert len(bank()) >= len(BANK) - 1  # AVIF came with Pillow 11.3
    for kind in bank():
        made = kind.apply(pixels)
        if isinstance(kind, Chain):
            between = kind.first.apply(pixels)
            np.testing.assert_array_equal(made, kind.second.apply(between))
            continue
        family, number, *more = kind.name.split(" ")
        if family == "scale":
            size = tuple(round(float(number) * side) for side in pixels.shape[1::-1])
            expected = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
        else:
            options = {"subsampling": more[0]} if more else {}
            options |= {"speed": 10} if family == "avif" else {}
            file = encoded(pixels, family.upper(), quality=int(number), **options)
            expected = Image.open(io.BytesIO(file)).convert("RGB")
        np.testing.assert_array_equal(made, np.asarray(expected))
        assert made.dtype == np.uint8


def test_jpeg_with_a_files_own_tables_makes_that_file(pixels: np.ndarray) -> None:
    for quality, subsampling in ((82, "4:2:0"), (40, "4:2:2"), (97, "4:4:4")):
        file = encoded(pixels, "JPEG", quality=quality, subsampling=subsampling)
        kind = lossy_kind(quality_of(file))
        assert isinstance(kind, JpegTables)
        assert kind.name == f"jpeg {quality} {subsampling}"
        np.testing.assert_array_equal(kind.apply(pixels), load_image(file).pixels)


def test_what_no_encoder_has_as_a_setting_is_taken_from_the_file(pixels: np.ndarray) -> None:
    tables = [[3 + i % 7 for i in range(64)], [9] * 64]
    file = encoded(pixels, "JPEG", qtables=tables, subsampling="4:2:0")
    kind = lossy_kind(quality_of(file))
    assert kind is not None
    np.testing.assert_array_equal(kind.apply(pixels), load_image(file).pixels)
    grey = encoded(pixels[:, :, 0], "JPEG", quality=70)
    kind = lossy_kind(quality_of(grey))
    assert kind is not None
    assert kind.apply(pixels).shape == pixels.shape


def test_the_codec_of_an_image_is_read_from_its_file(pixels: np.ndarray) -> None:
    assert lossy_kind(quality_of(encoded(pixels, "WEBP", quality=50))) == WebP(80)
    for lossless in (pixels, encoded(pixels, "PNG"), encoded(pixels, "WEBP", lossless=True)):
        assert lossy_kind(quality_of(lossless)) is None
    if available(kind_named("avif 60")):
        kind = lossy_kind(quality_of(encoded(pixels, "AVIF", quality=70)))
        assert kind == kind_named("avif 60")


def test_images_are_made_like_others_in_turn(pixels: np.ndarray) -> None:
    kinds = [Jpeg(60, "4:2:0"), WebP(80)]
    made = list(like(kinds, [pixels, pixels[:150], pixels]))
    expected = [kinds[0].apply(pixels), kinds[1].apply(pixels[:150]), kinds[0].apply(pixels)]
    for one, wanted in zip(made, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, wanted)
    assert "webp 80" in made[1].name


def test_an_image_that_a_codec_cannot_hold_is_an_image_error() -> None:
    long = LoadedImage(np.zeros((8, 17_000, 3), np.uint8), "'long.png'")
    with pytest.raises(ImageError, match=r"'long\.png'.*webp 80"):
        list(like([WebP(80)], [long]))


def test_a_copy_is_of_the_middle_of_a_large_image() -> None:
    rng = np.random.default_rng(0)
    large = LoadedImage(rng.integers(0, 256, (700, 2000, 3), np.uint8), "large")
    top, left = (700 - COPY_SIDE) // 2 // 8 * 8, (2000 - COPY_SIDE) // 2 // 8 * 8
    middle = large.pixels[top : top + COPY_SIDE, left : left + COPY_SIDE]
    for kind in (Jpeg(85, "4:2:0"), Scale(0.7), Scale(1.5)):
        copy = copy_of(large, kind)
        assert max(copy.pixels.shape) <= COPY_SIDE
        if kind.lossy:
            np.testing.assert_array_equal(copy.pixels, kind.apply(middle))
        assert copy.format is None
    assert copy_of(large, Scale(0.4)).pixels.shape == (280, COPY_SIDE, 3)
