"""Every image ends in pixels or an ImageError, within a known amount of memory."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from support.bombs import chunk, flat_rgba, png
from support.paths import INSTALLED, ROOT

import fingerprint_sdk as fp
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images import MAX_PIXELS, load_image
from fingerprint_sdk.images.limits import MAX_BYTES, check_scans, check_size

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux")


def measured(program: str, *arguments: object) -> str:
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(INSTALLED), str(ROOT / "tests")])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@linux
@pytest.mark.slow
@pytest.mark.parametrize("images", [1, 3])
def test_large_images_take_eight_bytes_a_pixel_one_after_another(
    images: int, tmp_path: Path, tiny_model_path: Path
) -> None:
    side = 6000  # more than may be decoded side by side
    (tmp_path / "large.png").write_bytes(flat_rgba(side, side))
    grown = measured(
        """
import resource, sys
import fingerprint_sdk as fp
extractor = fp.load(sys.argv[1], device="cpu", threads=1)
extractor.embed_many([sys.argv[3]] * 2)
used = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = used()
found = extractor.embed_many([sys.argv[2]] * int(sys.argv[4]), workers=3)
assert len(found.indices) == int(sys.argv[4]), found.failures
print(used() - before)
""",
        tiny_model_path,
        tmp_path / "large.png",
        ROOT / "examples" / "probe.png",
        images,
    )
    assert int(grown) < 10 * side * side  # 4 of Pillow's, 3 of RGB, and what is at work


@linux
def test_what_does_not_fit_in_memory_leaves_the_rest_of_the_batch(
    tmp_path: Path, tiny_model_path: Path
) -> None:
    (tmp_path / "large.png").write_bytes(flat_rgba(9000, 9000))
    said = measured(
        """
import resource, sys
import fingerprint_sdk as fp
extractor = fp.load(sys.argv[1], device="cpu", threads=1)
small, large = sys.argv[3], sys.argv[2]
extractor.embed_many([small, small])
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
found = extractor.embed_many([small, large, small])
print(found.indices, found.failures[0].error)
""",
        tiny_model_path,
        tmp_path / "large.png",
        ROOT / "examples" / "probe.png",
    )
    assert said.startswith("(0, 2) ")
    assert "large.png' does not fit in memory" in said


@linux
@pytest.mark.parametrize("size", [(1_000_000, 1), (1, 4_000_000)])
def test_thin_images_cost_their_windows(
    size: tuple[int, int], tmp_path: Path, tiny_model_path: Path
) -> None:
    width, height = size
    path = tmp_path / "thin.png"
    path.write_bytes(png(width, height, [(b"\0" + bytes(width)) * height], colour=0))
    grown = measured(
        """
import resource, sys
import fingerprint_sdk as fp
extractor = fp.load(sys.argv[1], device="cpu", threads=1)
extractor.embed_many([sys.argv[3]] * 2)
used = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = used()
extractor.embed([sys.argv[2]])
print(used() - before)
""",
        tiny_model_path,
        path,
        ROOT / "examples" / "probe.png",
    )
    assert int(grown) < 100_000_000


def test_files_larger_than_any_image_are_not_read(
    tmp_path: Path, extractor: fp.Extractor, sample_files: list[Path]
) -> None:
    sparse = tmp_path / "sparse.png"
    with sparse.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(2**36)
    found = extractor.embed_many([sample_files[0], sparse, sample_files[1]])
    assert found.indices == (0, 2)
    assert f"more than {MAX_BYTES} bytes" in str(found.failures[0].error)


class Endless(io.RawIOBase):
    """A file object that never ends."""

    given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self.given += len(buffer)
        return len(buffer)


def test_a_file_object_without_an_end_is_given_up() -> None:
    endless = Endless()
    with pytest.raises(ImageError, match=r"<Endless> has more than .* bytes"):
        load_image(endless)
    assert endless.given < 2 * MAX_BYTES


@pytest.mark.parametrize(
    ("size", "kind", "fits"),
    [
        ((13_000, 13_000), "PNG", True),
        ((MAX_PIXELS, 1), "PNG", True),
        ((MAX_PIXELS + 1, 1), "PNG", False),
        ((8192, 8192), "WEBP", True),
        ((8192, 8193), "WEBP", False),
        ((8192, 8193), "JPEG2000", False),
        ((8192, 8193), "AVIF", True),
        ((11_586, 11_586), "HEIF", False),
        ((0, 5), None, False),
    ],
)
def test_formats_whose_decoders_need_more_have_lower_limits(
    size: tuple[int, int], kind: str | None, fits: bool
) -> None:
    if fits:
        check_size(size, "x", kind)
    else:
        with pytest.raises(ImageError, match="x has"):
            check_size(size, "x", kind)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="Pillow without JPEG 2000")
def test_a_header_that_promises_too_much_is_refused_before_anything_is_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG2000", no_jp2=True)
    data = bytearray(buffer.getvalue())
    place = data.index(b"\xff\x51") + 6  # after marker, length and capabilities
    data[place : place + 8] = struct.pack(">II", 9000, 9000)
    with pytest.raises(ImageError, match="too large: more than 67108864 in format JPEG2000"):
        load_image(bytes(data))


def test_a_jpeg_file_of_endless_scans_is_refused() -> None:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    check_scans(data, "x")
    place = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="500 scans"):
        load_image(data[:-2] + data[place:-2] * 600 + data[-2:])


def test_many_frames_are_refused() -> None:
    buffer = io.BytesIO()
    frames = [Image.new("L", (2, 2), i % 256) for i in range(50)]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="several frames"):
        load_image(buffer.getvalue())


# ---- texts and profiles --------------------------------------------------------------------


def big_texts() -> dict[str, tuple[bytes, bytes]]:
    """Chunks that Pillow refuses a file for: before the pixels, and behind them."""
    import zlib

    text = zlib.compress(b"node " * 700_000)
    packed = chunk(b"zTXt", b"workflow\0\0" + text)
    return {
        "ztxt": (packed, b""),
        "ztxt at the end": (b"", packed),
        "itxt": (chunk(b"iTXt", b"prompt\0\1\0\0\0" + text), b""),
        "many": (packed * 30, b""),
        "profile": (chunk(b"iCCP", b"big\0\0" + zlib.compress(bytes(2_000_000))), b""),
        "50 MB": (chunk(b"tEXt", b"notes\0" + b"x" * 50_000_000), b""),
    }


@pytest.mark.parametrize("kind", list(big_texts()))
def test_a_file_is_not_refused_for_what_it_says_of_itself(
    kind: str, sample_images: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    pixels = sample_images["source0"][0]
    height, width = pixels.shape[:2]
    before, after = big_texts()[kind]
    data = png(width, height, (b"\0" + row.tobytes() for row in pixels), before=before)
    data = data[:-12] + after + data[-12:]
    (tmp_path / "a.png").write_bytes(data)
    for one in (data, tmp_path / "a.png"):
        loaded = load_image(one)
        np.testing.assert_array_equal(loaded.pixels, pixels)
        assert (loaded.format, loaded.lossy) == ("PNG", False)


def test_what_is_no_text_stays_in_the_file(
    sample_images: dict[str, list[np.ndarray]],
) -> None:
    """Palette, transparency and the marks of an animation come through."""
    image = Image.fromarray(sample_images["source0"][0])
    buffer = io.BytesIO()
    image.quantize(16).save(buffer, "PNG", transparency=3, pnginfo=_text())
    expected = np.asarray(image.quantize(16).convert("RGB"))
    np.testing.assert_array_equal(load_image(buffer.getvalue()).pixels, expected)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", save_all=True, append_images=[image.rotate(90)], pnginfo=_text())
    with pytest.raises(ImageError, match="several frames"):
        load_image(buffer.getvalue())


def _text() -> object:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("a", "b" * 2_000_000, zip=True)
    return info
