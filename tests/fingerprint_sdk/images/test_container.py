"""What a container tells of its compression, however the image is given."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from fingerprint_sdk.images import LoadedImage, load_image

TABLES = {"JPEG": 2, "TIFF": 1}  # TIFF of Pillow keeps RGB, which has one
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
needs_jpeg2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="without JPEG 2000")


@pytest.fixture(scope="module")
def image(sample_images: dict[str, list[np.ndarray]]) -> Image.Image:
    return Image.fromarray(sample_images["source1"][0])


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def facts(loaded: LoadedImage) -> tuple[object, ...]:
    return loaded.format, loaded.lossy, loaded.jpeg_tables, loaded.subsampling


CASES = [
    pytest.param("PNG", {}, False, id="png"),
    pytest.param("WEBP", {"quality": 90}, True, id="lossy webp"),
    pytest.param("WEBP", {"lossless": True}, False, id="lossless webp"),
    pytest.param("WEBP", {"lossless": True, "icc_profile": b"x" * 5001}, False, id="webp, chunks"),
    pytest.param("JPEG", {"quality": 80}, True, id="jpeg"),
    pytest.param("GIF", {}, True, id="gif"),
    pytest.param("TIFF", {"compression": "jpeg", "quality": 80}, True, id="tiff, jpeg"),
    pytest.param("TIFF", {"compression": "tiff_lzw"}, False, id="tiff, lzw"),
    pytest.param("AVIF", {"quality": 100}, True, id="avif", marks=needs_avif),
    pytest.param("JPEG2000", {"irreversible": True}, True, id="jp2, 9-7", marks=needs_jpeg2000),
    pytest.param("JPEG2000", {"irreversible": False}, None, id="jp2, 5-3", marks=needs_jpeg2000),
    pytest.param(
        "JPEG2000", {"irreversible": True, "no_jp2": True}, True, id="j2k", marks=needs_jpeg2000
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "lossy"), CASES)
def test_a_pil_image_tells_what_its_file_tells(
    image: Image.Image, tmp_path: Path, kind: str, options: dict[str, object], lossy: bool | None
) -> None:
    path = tmp_path / "image"
    path.write_bytes(encoded(image, kind, **options))
    expected = facts(load_image(path))
    assert expected[1] is lossy
    assert len(load_image(path).jpeg_tables) == (TABLES.get(kind, 0) if lossy else 0)

    with Image.open(path) as lazy:
        assert facts(load_image(lazy)) == expected
        assert facts(load_image(lazy)) == expected  # loaded by now
    with Image.open(path) as loaded:
        loaded.load()
        assert facts(load_image(loaded)) == expected
    with path.open("rb") as file, Image.open(file) as lazy:
        before = file.tell()
        given = load_image(lazy)
        assert facts(given) == expected
        np.testing.assert_array_equal(given.pixels, load_image(path).pixels)
        assert not file.closed
        assert file.tell() == before
        assert facts(load_image(lazy)) == expected
    for plain in (loaded.copy(), loaded.convert("RGB").crop((0, 0, 150, 150))):
        assert facts(load_image(plain)) == (None, None, (), None)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}])
def test_a_webp_image_whose_file_is_out_of_reach_counts_as_lossy(
    image: Image.Image, tmp_path: Path, options: dict[str, object]
) -> None:
    path = tmp_path / "image.webp"
    data = encoded(image, "WEBP", **options)

    def loaded_from(source: object) -> Image.Image:
        opened = Image.open(source)
        opened.load()
        return opened

    assert load_image(loaded_from(io.BytesIO(data))).lossy is True
    path.write_bytes(data)
    gone = loaded_from(path)
    path.unlink()
    assert load_image(gone).lossy is True
    path.write_bytes(data)
    replaced = loaded_from(path)
    path.write_bytes(encoded(image.crop((0, 0, 130, 130)), "WEBP", lossless=True))
    assert load_image(replaced).lossy is True


def test_a_pipe_in_the_place_of_the_file_is_left_alone(image: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "image.webp"
    path.write_bytes(encoded(image, "WEBP", lossless=True))
    opened = Image.open(path)
    opened.load()
    path.unlink()
    os.mkfifo(path)
    assert load_image(opened).lossy is True


def test_a_single_frame_of_a_webp_animation_is_looked_into(image: Image.Image) -> None:
    """A file with the chunks of an animation, and one frame in it, is no animation."""
    for options, expected in (({"lossless": True}, False), ({"quality": 80}, True)):
        still = encoded(image, "WEBP", **options)
        size = [(side - 1).to_bytes(3, "little") for side in image.size]
        head = b"VP8X" + (10).to_bytes(4, "little") + b"\x02\0\0\0" + b"".join(size)
        anim = b"ANIM" + (6).to_bytes(4, "little") + bytes(6)
        frame = bytes(6) + b"".join(size) + bytes(4) + still[12:]
        chunks = head + anim + b"ANMF" + len(frame).to_bytes(4, "little") + frame
        data = b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks
        assert load_image(data).lossy is expected


def test_formats_that_only_the_caller_can_open_count_as_lossy(image: Image.Image) -> None:
    data = encoded(image, "DDS", pixel_format="DXT1")
    with Image.open(io.BytesIO(data)) as opened:
        assert load_image(opened).lossy is True
    with Image.open(io.BytesIO(encoded(image, "TGA"))) as opened:
        assert load_image(opened).lossy is False


def test_one_lazy_image_in_many_threads(image: Image.Image) -> None:
    data = encoded(image, "WEBP", lossless=True)
    expected = load_image(data)
    for _ in range(10):
        lazy = Image.open(io.BytesIO(data))
        found: list[LoadedImage] = []
        threads = [
            threading.Thread(target=lambda: found.append(load_image(lazy)))  # noqa: B023
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [facts(one) for one in found] == [facts(expected)] * 4
        assert all((one.pixels == expected.pixels).all() for one in found)


def test_an_image_whose_file_object_misbehaves_is_still_decoded(image: Image.Image) -> None:
    buffer = io.BytesIO(encoded(image, "WEBP", lossless=True))
    lazy = Image.open(buffer)
    buffer.close()  # Pillow's decoder of WebP has the bytes
    loaded = load_image(lazy)
    np.testing.assert_array_equal(loaded.pixels, np.asarray(image))
    assert loaded.lossy is True


def test_the_tables_of_jpeg_in_tiff_are_those_of_the_jpeg_file(image: Image.Image) -> None:
    for quality in (30, 85):
        tiff = load_image(encoded(image, "TIFF", compression="jpeg", quality=quality))
        jpeg = load_image(encoded(image, "JPEG", quality=quality))
        assert tiff.jpeg_tables[0] == jpeg.jpeg_tables[0]


@pytest.mark.parametrize("name", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_subsampling_of_a_jpeg_file_is_named(image: Image.Image, name: str) -> None:
    assert load_image(encoded(image, "JPEG", subsampling=name)).subsampling == name


FACTORS: list[tuple[tuple[int, int, int], str | None]] = [
    ((0x12, 0x11, 0x11), "4:4:0"),
    ((0x41, 0x11, 0x11), "4:1:1"),
    ((0x42, 0x11, 0x11), "4:1:0"),
    ((0x22, 0x12, 0x12), "4:2:2"),
    ((0x22, 0x22, 0x22), "4:4:4"),
    ((0x22, 0x11, 0x21), None),
    ((0x11, 0x22, 0x22), None),
]


@pytest.mark.parametrize(("factors", "name"), FACTORS)
def test_odd_sampling_factors_are_named_or_not(
    image: Image.Image, factors: tuple[int, int, int], name: str | None
) -> None:
    from fingerprint_sdk.images.jpeg_header import subsampling

    data = bytearray(encoded(image, "JPEG"))
    start = data.index(b"\xff\xc0") + 10  # the components of the frame header (T.81, B.2.2)
    for place, factor in enumerate(factors):
        data[start + 3 * place + 1] = factor
    with Image.open(io.BytesIO(data)) as opened:  # its pixels are not decoded: they are garbage
        assert subsampling(opened) == name


@pytest.mark.parametrize("change", [lambda i: i.convert("L"), lambda i: i.convert("CMYK")])
def test_grey_and_cmyk_have_no_subsampling(
    image: Image.Image, change: Callable[[Image.Image], Image.Image]
) -> None:
    assert load_image(encoded(change(image), "JPEG")).subsampling is None
