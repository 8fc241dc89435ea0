"""Folders on the command line: which files are taken, and what is said of the others."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features
from support.cli_runner import Cli

from fingerprint_sdk.cli.shared.files import Found, expand, look
from fingerprint_sdk.cli.shared.heap import heap
from fingerprint_sdk.cli.shared.sniff import is_image
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images import load_image

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"]
FORMATS += ["AVIF"] * features.check("avif")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extras that read HEIC and JPEG XL."""
    for module in ("pillow_heif", "pillow_jxl"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.fixture(scope="module")
def picture(sample_images: dict[str, list[np.ndarray]]) -> Image.Image:
    return Image.fromarray(sample_images["source0"][0])


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


# ---- by content ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_an_image_without_an_ending_is_known_by_its_content(
    picture: Image.Image, kind: str, tmp_path: Path
) -> None:
    for image in (picture, picture.convert("L"), Image.new("RGB", (1, 1))):
        path = tmp_path / "image"
        path.write_bytes(encoded(image, kind))
        assert is_image(path)
        assert load_image(path).format == kind


def test_an_avif_file_of_another_brand_is_known(picture: Image.Image, tmp_path: Path) -> None:
    pytest.importorskip("PIL._avif")
    data = encoded(picture, "AVIF")
    size = int.from_bytes(data[:4], "big")
    for major, brands in ((b"mif1", b"mif1miafavif"), (b"avif", b"")):
        path = tmp_path / "image"
        box = b"ftyp" + major + bytes(4) + brands
        path.write_bytes((4 + len(box)).to_bytes(4, "big") + box + data[size:])
        assert is_image(path)


NO_IMAGES = {
    "empty": b"",
    "heic": b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(40),
    "heic, by its second brand": b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic" + bytes(40),
    "mp4": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(40),
    "jxl": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40),
    "wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
    "a text": b"BMW and PNG are words, GIF as well, and this is a text.",
    "pdf": b"%PDF-1.7\n" + bytes(40),
}


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_other_files_are_no_images(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(NO_IMAGES[kind])
    assert not is_image(path)


def test_camera_raw_and_half_a_download_are_no_images(
    picture: Image.Image, tmp_path: Path
) -> None:
    for name, kind in (("a.dng", "TIFF"), ("a.NEF", "TIFF"), ("a.jpg.part", "JPEG")):
        (tmp_path / name).write_bytes(encoded(picture, kind))
        assert not is_image(tmp_path / name)
    assert not is_image(tmp_path / "absent")
    assert not is_image(tmp_path)


# ---- what a folder holds -------------------------------------------------------------------


@pytest.fixture
def folder(picture: Image.Image, tmp_path: Path) -> Path:
    """Images under odd names, what is none, and a folder within a folder."""
    top = tmp_path / "mixed"
    deep = top / "more" / "deeper"
    deep.mkdir(parents=True)
    (top / ".hidden").mkdir()
    for path in (top / "b.png", top / "a.apng", deep / "d.png", top / ".hidden" / "h.png"):
        path.write_bytes(encoded(picture, "PNG"))
    for path in (top / "c.jpg_large", top / "no_ending", top / ".e.jpg"):
        path.write_bytes(encoded(picture, "JPEG"))
    (top / "photo.heic").write_bytes(NO_IMAGES["heic"])
    for path in (top / "notes.txt", top / "Thumbs.db", top / ".DS_Store", deep / "z.csv"):
        path.write_bytes(b"no image")
    os.symlink(top / "absent.png", top / "link.png")
    return top


TAKEN = ["a.apng", "b.png", "c.jpg_large", "no_ending"]
IN_DEPTH = [*TAKEN[:3], "d.png", TAKEN[3]]  # by the whole path


def test_look_sorts_images_from_other_files(folder: Path) -> None:
    found = look(folder)
    assert names(found.images) == TAKEN
    assert names(found.passed_over) == ["link.png", "notes.txt", "photo.heic"]
    deep = look(folder, recursive=True)
    assert deep.images == sorted([*found.images, folder / "more" / "deeper" / "d.png"])
    assert deep.passed_over == sorted([*found.passed_over, folder / "more" / "deeper" / "z.csv"])
    assert look(folder / "more") == Found([], [])


def test_expand_tells_in_one_line_what_it_passed_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = expand([folder, folder / "notes.txt"])
    assert names(found.images) == [*TAKEN, "notes.txt"]
    assert names(found.passed_over) == ["link.png", "notes.txt", "photo.heic"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "note: passed over 3 files that are no images we read: link.png, notes.txt, photo.heic"
        "; HEIC needs pip install pillow-heif\n"
    )
    assert names(expand([folder], recursive=True).images) == IN_DEPTH
    assert capsys.readouterr().err == (
        "note: passed over 4 files that are no images we read: link.png, z.csv, notes.txt, ..."
        "; HEIC needs pip install pillow-heif\n"
    )
    found = heap([folder, folder, folder / "b.png"])
    assert names(found.images) == IN_DEPTH
    assert sorted(names(found.passed_over)) == ["link.png", "notes.txt", "photo.heic", "z.csv"]
    assert "passed over 4 files" in capsys.readouterr().err
    (folder / "more" / "deeper" / "z.csv").unlink()
    expand([folder / "more" / "deeper"])
    assert capsys.readouterr().err == ""


def test_a_folder_without_an_image_says_what_is_in_it(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.name in TAKEN:
            path.unlink()
    with pytest.raises(ImageError, match=r"mixed.*passed over 3 files.*photo\.heic.*--recursive"):
        expand([folder])
    assert names(expand([folder], recursive=True).images) == ["d.png"]
    (folder / "more" / "deeper" / "d.png").unlink()
    with pytest.raises(ImageError, match=r"mixed.*in its folders: passed over 4"):
        expand([folder], recursive=True)
    with pytest.raises(ImageError, match=r"no image.*passed over 4 files.*give"):
        heap([folder])
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.txt").touch()
    with pytest.raises(ImageError, match=r"passed over 1 file that is no image we read: a\.txt"):
        expand([tmp_path / "one"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_within_that_cannot_be_read_is_passed_over(folder: Path) -> None:
    (folder / "more").chmod(0)
    try:
        assert folder / "more" in look(folder, recursive=True).passed_over
    finally:
        (folder / "more").chmod(0o755)


# ---- the commands --------------------------------------------------------------------------


def test_the_commands_take_folders_in_depth(
    cli: Cli, folder: Path, generators: Path, model: list[str], tmp_path: Path
) -> None:
    passed_over = "note: passed over {} files that are no images we read: link.png"

    def count(*arguments: object, key: str = "added", files: int) -> Any:
        document = cli.json(*arguments, *model)
        assert passed_over.format(files) in cli.stderr
        assert len(document["passed_over"]) == files
        assert str(document["passed_over"][0]).endswith("link.png")
        return document[key]

    gallery, index = tmp_path / "g.fpg", tmp_path / "i.fpi"
    assert len(count("embed", folder, key="images", files=3)) == 4
    assert len(count("embed", folder, "-r", key="images", files=4)) == 5
    assert count("enroll", "a", folder, "--gallery", gallery, files=3) == 4
    assert count("enroll", "b", folder, "--recursive", "--gallery", gallery, files=4) == 5
    folder.rename(generators / "mixed")
    known = tmp_path / "all.fpg"
    assert count("gallery", "add", known, generators, "-r", files=4)["mixed"] == 5
    again = cli.json("gallery", "add", known, generators, "-r", *model)
    assert again["unchanged"] == ["mixed", "source0", "source1", "source2"]
    assert "from other files" in cli.fails("gallery", "add", known, generators, *model)

    assert count("index", generators / "mixed", "--out", index, files=4) == 5
    probes = generators / "mixed"
    assert len(count("search", probes, "--index", index, key="probes", files=3)) == 4
    assert len(count("search", probes, "-r", "--index", index, key="probes", files=4)) == 5
    assert len(count("identify", probes, "--gallery", known, key="probes", files=3)) == 4
    assert len(count("identify", probes, "-r", "--gallery", known, key="probes", files=4)) == 5
    assert len(count("cluster", probes, key="paths", files=4)) == 5


def test_verify_takes_folders_in_depth(cli: Cli, generators: Path, model: list[str]) -> None:
    one, two = generators / "source0", generators / "source1"
    (one / "more").mkdir()
    (one / "5.png").rename(one / "more" / "5.png")
    for folder in (one, two):
        (folder / "notes.txt").touch()
    for more, images in (([], 5), (["--recursive"], 6)):
        document = cli.json("verify", one, two, *more, *model, code=1)
        assert (len(document["a"]), len(document["b"])) == (images, 6)
        assert document["passed_over"] == [str(one / "notes.txt"), str(two / "notes.txt")]
    assert cli.stderr.count("passed over 1 file that is no image we read: notes.txt") == 2
