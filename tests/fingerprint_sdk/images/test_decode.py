"""Decoding: every kind of input gives the stored pixels, or an ImageError that names it."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images import load_image, windows


@pytest.fixture(scope="module")
def pixels(sample_images: dict[str, list[np.ndarray]]) -> np.ndarray:
    return sample_images["source0"][0]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("WEBP", {"lossless": True, "exact": True}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("PPM", {}),
]


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_lossless_containers_give_the_same_pixels(
    pixels: np.ndarray, kind: str, options: dict[str, object]
) -> None:
    loaded = load_image(encoded(Image.fromarray(pixels), kind, **options))
    np.testing.assert_array_equal(loaded.pixels, pixels)
    assert (loaded.format, loaded.lossy) == (kind, False)


def test_every_input_type_gives_the_same_pixels(pixels: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    data = path.read_bytes()
    with path.open("rb") as file, Image.open(path) as lazy:
        inputs = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]
        inputs += [file, lazy, Image.fromarray(pixels), pixels, np.asfortranarray(pixels)]
        for one in inputs:
            np.testing.assert_array_equal(load_image(one).pixels, pixels)
        assert not file.closed


def test_a_file_object_is_read_from_where_it_stands(pixels: np.ndarray) -> None:
    data = encoded(Image.fromarray(pixels), "PNG")
    file = io.BytesIO(b"header" + data)
    file.seek(6)
    np.testing.assert_array_equal(load_image(file).pixels, pixels)


ORIENTED = [
    pytest.param("JPEG", {"quality": 95}, id="jpeg"),
    pytest.param("PNG", {}, id="png"),
    pytest.param("WEBP", {"lossless": True}, id="webp"),
    pytest.param(
        "AVIF",
        {"quality": 95},
        id="avif",  # the turn is a property of the AVIF image itself (irot, imir)
        marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF"),
    ),
]


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(("kind", "options"), ORIENTED)
def test_orientation_is_not_applied(
    pixels: np.ndarray, kind: str, options: dict[str, object], orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels)
    data = encoded(image, kind, exif=exif, **options)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.getexif()[0x0112] == orientation
        given = load_image(opened)
    expected = load_image(encoded(image, kind, **options)).pixels
    for loaded in (load_image(data), given):
        np.testing.assert_array_equal(loaded.pixels, expected)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_pillow_turns_a_tiff_file_by_its_orientation(
    pixels: np.ndarray, orientation: int, compression: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels)
    data = encoded(image, "TIFF", exif=exif, compression=compression)
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(turned))
    assert expected.shape != pixels.shape or (expected != pixels).any()
    with Image.open(io.BytesIO(data)) as opened:
        for one in (data, opened):
            np.testing.assert_array_equal(load_image(one).pixels, expected)


def test_grey_is_repeated(pixels: np.ndarray) -> None:
    grey = pixels[:, :, 0]
    expected = np.stack([grey] * 3, axis=-1)
    for one in (grey, Image.fromarray(grey), encoded(Image.fromarray(grey), "PNG")):
        np.testing.assert_array_equal(load_image(one).pixels, expected)


def test_alpha_is_dropped_and_colours_stay(pixels: np.ndarray) -> None:
    alpha = np.random.default_rng(0).integers(0, 256, pixels.shape[:2], dtype=np.uint8)
    rgba = np.dstack([pixels, alpha])
    for one in (rgba, Image.fromarray(rgba), encoded(Image.fromarray(rgba), "PNG")):
        np.testing.assert_array_equal(load_image(one).pixels, pixels)
    la = Image.fromarray(np.ascontiguousarray(rgba[:, :, 2:]))
    assert la.mode == "LA"
    np.testing.assert_array_equal(
        load_image(encoded(la, "PNG")).pixels, np.repeat(pixels[:, :, 2:], 3, axis=2)
    )


def test_palette_with_transparency_is_looked_up_without_a_warning(pixels: np.ndarray) -> None:
    palette = Image.fromarray(pixels).quantize(32)
    data = encoded(palette, "PNG", transparency=bytes(range(32)))
    loaded = load_image(data)
    np.testing.assert_array_equal(loaded.pixels, np.asarray(palette.convert("RGB")))
    assert loaded.lossy


def test_sixteen_bit_grey_keeps_the_high_byte(pixels: np.ndarray) -> None:
    high = pixels[:, :, 0]
    deep = high.astype(np.uint16) << 8 | 0x37
    for kind in ("PNG", "TIFF"):
        loaded = load_image(encoded(Image.fromarray(deep), kind))
        np.testing.assert_array_equal(loaded.pixels[:, :, 1], high)


def test_cmyk_and_bilevel_are_converted(pixels: np.ndarray) -> None:
    cmyk = Image.fromarray(pixels).convert("CMYK")
    loaded = load_image(encoded(cmyk, "TIFF"))
    np.testing.assert_array_equal(loaded.pixels, pixels)
    bilevel = load_image(encoded(Image.fromarray(pixels).convert("1"), "PNG"))
    assert set(np.unique(bilevel.pixels)) == {0, 255}


@pytest.mark.parametrize(
    ("kind", "options", "lossy"),
    [
        ("JPEG", {"quality": 90}, True),
        ("WEBP", {"quality": 90}, True),
        ("WEBP", {"quality": 90, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}, True),
        ("WEBP", {"lossless": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}, False),
        ("TIFF", {"compression": "jpeg"}, True),
        ("GIF", {}, True),
    ],
)
def test_lossy_containers_are_told(
    pixels: np.ndarray, kind: str, options: dict[str, object], lossy: bool
) -> None:
    assert load_image(encoded(Image.fromarray(pixels), kind, **options)).lossy is lossy


def test_pixels_without_a_container_do_not_tell(pixels: np.ndarray) -> None:
    assert load_image(pixels).lossy is None
    assert load_image(Image.fromarray(pixels)).lossy is None


def test_a_phones_multi_picture_jpeg_gives_its_photograph(pixels: np.ndarray) -> None:
    photo, depth = Image.fromarray(pixels), Image.fromarray(255 - pixels)
    both = encoded(photo, "MPO", save_all=True, append_images=[depth], quality=95)
    alone = encoded(photo, "JPEG", quality=95)
    loaded = load_image(both)
    np.testing.assert_array_equal(loaded.pixels, load_image(alone).pixels)
    assert (loaded.format, loaded.lossy) == ("MPO", True)


def broken_inputs() -> dict[str, object]:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (150, 150, 3), dtype=np.uint8)
    image = Image.fromarray(array)
    png, jpeg = encoded(image, "PNG"), encoded(image, "JPEG")
    frames = [Image.fromarray(np.roll(array, i)).quantize(8) for i in range(2)]
    return {
        "empty bytes": b"",
        "not an image": b"hello" * 100,
        "truncated png": png[: len(png) // 2],
        "truncated jpeg": jpeg[: len(jpeg) // 2],
        "corrupt png": png[:200] + bytes(50) + png[250:],
        "header only": png[:40],
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "gif animation": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "png animation": encoded(image, "PNG", save_all=True, append_images=[image.rotate(90)]),
        "two-page tiff": encoded(image, "TIFF", save_all=True, append_images=[image]),
        "text file": io.StringIO("text"),
        "missing file": "no/such/file.png",
        "null byte in path": "a\0b.png",
        "float array": array / 255,
        "nan array": np.full((150, 150, 3), np.nan),
        "int array": array.astype(np.int64),
        "bool array": array > 3,
        "16-bit array": array.astype(np.uint16),
        "channels first": array.transpose(2, 0, 1),
        "five channels": np.zeros((150, 150, 5), np.uint8),
        "one dimension": np.zeros(100, np.uint8),
        "no rows": np.zeros((0, 150, 3), np.uint8),
        "no columns": np.zeros((150, 0, 3), np.uint8),
        "float image": Image.fromarray(array[:, :, 0].astype(np.float32)),
        "32-bit image": Image.fromarray(array[:, :, 0].astype(np.int32)),
        "none": None,
        "number": 3,
    }


@pytest.mark.parametrize("kind", list(broken_inputs()))
def test_unusable_input_is_an_image_error(kind: str) -> None:
    with pytest.raises(ImageError) as caught:
        load_image(broken_inputs()[kind])
    assert len(str(caught.value)) > 20


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"x")
    for one in (path, tmp_path / "absent.png", tmp_path):
        with pytest.raises(ImageError, match=one.name):
            load_image(one)


def test_an_unreadable_lazy_pil_image_is_an_image_error(
    pixels: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "cut.png"
    data = encoded(Image.fromarray(pixels), "PNG")
    path.write_bytes(data[: len(data) // 2])
    with Image.open(path) as lazy, pytest.raises(ImageError, match=r"cut\.png"):
        load_image(lazy)


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(ImageError, match="too large"):
        load_image(bomb)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # even where the application lifts it
    with pytest.raises(ImageError, match="20000x20000"):
        load_image(bomb)


def test_pillow_warnings_do_not_leak_and_filters_are_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)  # a warning up to twice as many
    large = encoded(Image.new("1", (120, 120)), "PNG")
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(large)).close()
    before = list(warnings.filters)
    failures: list[BaseException] = []

    def decode() -> None:
        try:
            for _ in range(50):
                assert load_image(large).pixels.shape == (120, 120, 3)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert list(warnings.filters) == before


def test_the_array_given_is_neither_changed_nor_kept(pixels: np.ndarray) -> None:
    mine = pixels.copy()
    cut = windows(load_image(mine).pixels)
    mine[:] = 0
    np.testing.assert_array_equal(cut[0], pixels[:128, :128].transpose(2, 0, 1))


CONTAINERS = [*LOSSLESS, ("JPEG", {"quality": 80}), ("WEBP", {"quality": 80}), ("GIF", {})]


@pytest.mark.parametrize(("kind", "options"), CONTAINERS)
def test_random_damage_gives_pixels_or_an_image_error(
    pixels: np.ndarray, kind: str, options: dict[str, object]
) -> None:
    data = encoded(Image.fromarray(pixels[:64, :64]), kind, **options)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data[: rng.integers(1, len(data) + 1)])
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] = rng.integers(0, 256)
        try:
            loaded = load_image(damaged)
        except ImageError:
            continue
        assert loaded.pixels.dtype == np.uint8
        assert loaded.pixels.shape[2] == 3
        assert 1 <= len(windows(loaded.pixels[:500, :500])) <= 9
