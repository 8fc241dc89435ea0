"""HEIC and JPEG XL: read where their packages are, named with a hint where they are not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.tiny_model import synthetic_image

from fingerprint_sdk.cli.shared.files import expand, look
from fingerprint_sdk.cli.shared.sniff import is_image
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.jxl_header import jxl_header

HEIC_HEAD = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
JXL_HEAD = b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40)


def heic(picture: Image.Image, **options: object) -> bytes:
    module = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    module.from_pillow(picture).save(buffer, **options)
    return buffer.getvalue()


def jxl(picture: Image.Image, **options: object) -> bytes:
    pytest.importorskip("pillow_jxl")
    buffer = io.BytesIO()
    picture.save(buffer, "JXL", **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.fromarray(synthetic_image(0, 0))


def test_a_heic_file_is_read(picture: Image.Image, tmp_path: Path) -> None:
    data = heic(picture, quality=-1, chroma=444)
    loaded = load_image(data)
    assert np.abs(loaded.pixels.astype(int) - np.asarray(picture)).max() <= 3
    assert (loaded.format, loaded.lossy) == ("HEIF", True)  # it does not tell, so it may be
    (tmp_path / "photo").write_bytes(data)
    assert is_image(tmp_path / "photo")
    assert look(tmp_path).images == [tmp_path / "photo"]


@pytest.mark.parametrize("size", [(260, 200), (128, 256), (256, 256), (300, 200), (1000, 3)])
def test_a_jpeg_xl_file_is_read_after_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    pixels = synthetic_image(1, 0, size[1], size[0])
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x010E] = "a container around it"
    for data in (jxl(image, lossless=True), jxl(image, lossless=True, exif=exif.tobytes())):
        header = jxl_header(data)
        assert header is not None
        assert (header.size, header.animated) == (size, False)
        loaded = load_image(data)
        np.testing.assert_array_equal(loaded.pixels, pixels)
        assert (loaded.format, loaded.lossy) == ("JXL", True)
        (tmp_path / "a.jxl").write_bytes(data)
        assert is_image(tmp_path / "a.jxl")


def test_a_jpeg_xl_file_is_refused_by_its_size_before_it_is_decoded(
    picture: Image.Image,
) -> None:
    pytest.importorskip("pillow_jxl")
    bits = 0b0 | 3 << 1 | (2**27 - 1) << 3 | 1 << 33  # 2**27 rows, and as many columns
    huge = b"\xff\x0a" + bits.to_bytes(8, "little") + bytes(60)
    assert jxl_header(huge).size == (2**27, 2**27)  # type: ignore[union-attr]
    with pytest.raises(ImageError, match="too large"):
        load_image(huge)
    for broken in (b"\xff\x0a", JXL_HEAD, jxl(picture)[:40], jxl(picture)[:-100]):
        with pytest.raises(ImageError):
            load_image(broken)


def test_damage_gives_pixels_or_an_image_error(picture: Image.Image) -> None:
    rng = np.random.default_rng(0)
    for data in (heic(picture.resize((64, 64))), jxl(picture.resize((64, 64)))):
        for _ in range(60):
            damaged = bytearray(data[: rng.integers(1, len(data) + 1)])
            for place in rng.integers(0, len(damaged), 3):
                damaged[place] = rng.integers(0, 256)
            try:
                assert load_image(bytes(damaged)).pixels.shape[2] == 3
            except ImageError:
                continue


@pytest.mark.parametrize(
    ("head", "name", "module", "hint"),
    [
        (HEIC_HEAD, "a.heic", "pillow_heif", "pip install pillow-heif"),
        (JXL_HEAD, "a.jxl", "pillow_jxl", "pip install pillow-jxl-plugin"),
    ],
    ids=["heic", "jxl"],
)
def test_without_its_package_a_format_is_named_with_a_hint(
    head: bytes,
    name: str,
    module: str,
    hint: str,
    picture: Image.Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes(head)
    with pytest.raises(ImageError, match=r"pip install") as caught:
        load_image(folder / name)
    assert hint in str(caught.value)
    assert name in str(caught.value)
    picture.save(folder / "b.png")
    assert expand([folder]).images == [folder / "b.png"]
    told = capsys.readouterr().err
    assert f"passed over 1 file that is no image we read: {name}" in told
    assert hint in told
