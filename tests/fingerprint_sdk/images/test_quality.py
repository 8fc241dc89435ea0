"""Quality flags, on real encoded files."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image, windows
from fingerprint_sdk.images.quality import Quality, assess, counted, residual_power


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
    digest = hashlib.sha256(b"(200, 260, 3)" + np.asarray(image).tobytes()).hexdigest()[:16]
    assert judged == Quality(260, 200, "PNG", False, None, False, False, 9, digest=digest)
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
    np.testing.assert_allclose(residual_power(cut), expected, rtol=1e-5)


def test_flat_and_repeated_windows_do_not_count() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (3, 3, 128, 128), dtype=np.uint8)
    grey = np.full((3, 128, 128), 127, np.uint8)
    cut = np.stack([grey, noise[0], noise[1], grey, noise[0], noise[2]])
    np.testing.assert_array_equal(counted(cut), [False, True, True, False, False, True])
    np.testing.assert_array_equal(counted(np.stack([grey, grey, grey])), [True, False, False])


def test_a_page_around_a_picture_does_not_outvote_it(extractor: fp.Extractor) -> None:
    from support.tiny_model import synthetic_image

    picture = synthetic_image(0, 0, 512, 512)
    page = np.full((512, 1024, 3), 255, np.uint8)
    page[:, :512] = picture
    embeddings, quality = extractor.embed_with_quality([picture, page])
    assert [one.windows for one in quality] == [16, 16]
    np.testing.assert_allclose(embeddings[0], embeddings[1], atol=1e-6)
    tiled = np.tile(picture, (2, 2, 1))
    assert extractor.embed_with_quality(tiled)[1][0].windows == 16


def test_the_budget_is_that_of_the_extractor(tiny_model_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    for windows_, expected in ((None, 64), (16, 16), (9, 9), (1, 1)):
        model = fp.load(tiny_model_path, device="cpu", windows=windows_)
        assert model.windows == (windows_ or 64)
        assert model.embed_with_quality(image)[1][0].windows == expected
    with pytest.raises(ValueError, match="windows must be at least 1"):
        fp.load(tiny_model_path, device="cpu", windows=0)


def grey_pictures(image: Image.Image) -> dict[str, tuple[object, bool]]:
    luminance = image.convert("L")
    three = np.asarray(luminance.convert("RGB"))
    lower = three[:, :, 1] > 100
    region = np.asarray(image).copy()
    region[:, :250] = three[:, :250]
    point = three.copy()
    point[101, 37, 2] ^= 2
    jpeg = io.BytesIO()
    luminance.convert("RGB").save(jpeg, "JPEG", quality=60)
    return {
        "one channel": (luminance, True),
        "one bit": (image.convert("1"), True),
        "three equal channels": (three, True),
        "a grey JPEG file with colours": (jpeg.getvalue(), True),
        "a level off": (three - lower[:, :, None] * np.array([1, 0, 0], np.uint8), True),
        "levels off both ways": (
            three + lower[:, :, None] * np.array([-1, 0, 1], np.int8).astype(np.uint8),
            False,
        ),
        "colours": (image, False),
        "colours at the edge": (region, False),
        "colour in one pixel": (point, False),
    }


KINDS_OF_GREY = list(grey_pictures(Image.new("RGB", (260, 200))))


@pytest.mark.parametrize("kind", KINDS_OF_GREY)
def test_grey_is_a_matter_of_all_pixels(image: Image.Image, kind: str) -> None:
    source, grey = grey_pictures(image)[kind]
    judged = judge(source)
    assert judged.grey is grey
    assert ("grey" in judged.flags) is grey


def test_every_flag_has_words(extractor: fp.Extractor, tmp_path: Path) -> None:
    from fingerprint_sdk.web.quality import quality_list
    from fingerprint_sdk.web.uploads import Upload

    path = tmp_path / "white.gif"
    Image.new("L", (100, 100), 255).convert("P").save(path)
    view = fp.explain(path, model=extractor).images[0]
    assert view.quality.flags == ("too_small", "lossy", "flat", "grey")
    words = " ".join(fp.explain(path, model=extractor).summary)
    page = quality_list([Upload(path)], [view.quality])
    for word in ("smaller", "lossy", "flat", "grey"):
        assert word in words
    for word in ("small", "lossy", "flat", "grey"):
        assert f"<mark>{word}</mark>" in page


def test_the_digest_is_that_of_the_picture(image: Image.Image) -> None:
    def saved(kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    pixels = np.asarray(image)
    digest = judge(saved("PNG")).digest
    assert len(digest) == 16
    int(digest, 16)
    lossless = [
        saved("BMP"),
        saved("WEBP", lossless=True),
        image,
        pixels,
        np.asfortranarray(pixels),
    ]
    assert {judge(one).digest for one in lossless} == {digest}
    changed = pixels.copy()
    changed[0, 0, 0] ^= 1
    others = [saved("JPEG"), pixels[1:], changed, pixels.reshape(260, 200, 3)]
    assert digest not in {judge(one).digest for one in others}
    assert len({judge(one).digest for one in others}) == 4


def test_what_jpeg_did_reaches_the_quality(image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80, subsampling="4:2:2")
    judged = judge(buffer.getvalue())
    with Image.open(buffer) as opened:
        assert judged.jpeg_tables == tuple(tuple(opened.quantization[key]) for key in (0, 1))
    assert judged.to_dict()["subsampling"] == "4:2:2"
    clean = judge(image)
    assert (clean.jpeg_tables, clean.subsampling) == ((), None)


def test_to_dict_is_json(image: Image.Image) -> None:
    plain = json.loads(json.dumps(judge(image).to_dict()))
    assert plain["width"] == 260
    assert {"grey", "digest", "subsampling", "flags"} <= set(plain)
    assert "jpeg_tables" not in plain
