"""Names, notes and models of strangers on the command line: shown, never obeyed, never lost."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.cli_runner import Cli
from support.tiny_model import TINY_METADATA, build_tiny_model

import fingerprint_sdk as fp

EVIL = "\x1b]0;owned\x07\x1b[31mred\u202egnp\r\nerror: forged"
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def run(*words: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "fingerprint_sdk", *map(str, words)],
        capture_output=True,
        check=False,
        timeout=120,
        **options,
    )


def check_shown(cli: Cli, *, lines: int | None = None) -> None:
    said = cli.stdout + cli.stderr
    assert not UNSEEN.search(said), ascii(said)
    assert "\nerror: forged" not in said
    said.encode()
    if lines is not None:
        assert said.count("\n") == lines


@pytest.fixture
def evil_image(sample_files: list[Path], tmp_path: Path) -> Path:
    path = tmp_path / f"{EVIL}.png"
    shutil.copy(sample_files[0], path)
    return path


@pytest.fixture
def evil_gallery(gallery: fp.Gallery, tmp_path: Path) -> Path:
    """Notes are free; names are not, and the file's own name is nobody's to choose."""
    path = tmp_path / f"{EVIL}.fpg"
    gallery.enroll("source0", gallery["source0"], notes=EVIL)
    gallery.enroll("=HYPERLINK(1)", gallery["source1"], notes="@SUM(1)\x1b[31m")
    gallery.save(path)
    return path


def test_evil_names_of_images_are_shown(
    cli: Cli, evil_image: Path, evil_gallery: Path, model: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / f"{EVIL} broken.png"
    broken.write_bytes(b"no picture")
    (tmp_path / f"{EVIL}.txt").touch()
    probes = [evil_image, evil_image, broken]
    for words in (
        ["embed", *probes],
        ["embed", tmp_path, "--out", tmp_path / f"{EVIL}.csv"],
        ["identify", *probes, "-g", evil_gallery],
        ["identify", evil_image, "-g", evil_gallery],
        ["verify", evil_image, evil_image],
        ["index", tmp_path, "--out", tmp_path / f"{EVIL}.fpi"],
        ["search", evil_image, "--index", tmp_path / f"{EVIL}.fpi"],
        ["enroll", "new", *probes, "-g", evil_gallery],
    ):
        cli(*words, *model)
        check_shown(cli)
        if words[0] not in ("identify", "verify"):
            assert r"\x1b]0;owned\x07\x1b[31mred\u202egnp" in cli.stdout + cli.stderr
    cli.fails("embed", broken, *model)
    check_shown(cli, lines=2)
    cli.fails("embed", tmp_path / f"absent {EVIL}", *model)
    check_shown(cli, lines=1)


def test_evil_galleries_are_shown(cli: Cli, evil_gallery: Path, model: list[str]) -> None:
    for words in (
        ["list", evil_gallery],
        ["info", evil_gallery],
        ["check", evil_gallery, "--page", evil_gallery.with_suffix(".html"), *model],
        ["rename", evil_gallery, "source1", "other"],
        ["remove", evil_gallery, "other"],
        ["export", evil_gallery, "--out", evil_gallery.with_suffix(".csv")],
    ):
        cli("gallery", *words)
        check_shown(cli)
    cli.fails("gallery", "remove", evil_gallery, EVIL)
    check_shown(cli, lines=1)
    page = evil_gallery.with_suffix(".html").read_text(encoding="utf-8")
    assert not UNSEEN.search(page)
    assert "owned" in page


def test_evil_words_of_the_command_line_are_shown(cli: Cli) -> None:
    for words in ([f"--{EVIL}"], [EVIL], ["gallery", EVIL], ["models", "list", f"--{EVIL}"]):
        cli.fails(*words)
        check_shown(cli)
    cli.fails("embed", "x.png", "--out", EVIL)
    check_shown(cli)


def test_an_evil_model_is_shown(
    cli: Cli, sample_files: list[Path], tmp_path: Path, gallery: fp.Gallery
) -> None:
    path = build_tiny_model(
        tmp_path / f"{EVIL}.onnx", metadata=TINY_METADATA | {"name": EVIL, "version": EVIL}
    )
    gallery.save(tmp_path / "g.fpg")
    for words in (
        ["info", path],
        ["-v", "info", path],
        ["embed", sample_files[0], "--model", path],
        ["gallery", "create", tmp_path / "new.fpg", "--model", path],
        ["gallery", "info", tmp_path / "new.fpg"],
        ["identify", sample_files[0], "-g", tmp_path / "g.fpg", "--model", path],
    ):
        cli(*words, code=(0, 2))
        check_shown(cli)
    opened = fp.Extractor.from_file(path, device="cpu")
    assert opened.name == EVIL
    assert not UNSEEN.search(repr(opened))


def test_tables_hold_no_formulas(
    cli: Cli, evil_gallery: Path, sample_files: list[Path], model: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "g.csv"
    cli("gallery", "export", evil_gallery, "--out", out)
    rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"), newline="")))
    assert [row[0] for row in rows] == ["name", "source0", "source1", "'=HYPERLINK(1)"]
    assert rows[3][2] == r"'@SUM(1)\x1b[31m"
    assert not UNSEEN.search(out.read_text(encoding="utf-8"))
    shutil.copy(sample_files[0], tmp_path / "=cmd.png")
    assert run("embed", "=cmd.png", "--out", out, *model, cwd=tmp_path).returncode == 0
    rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"), newline="")))
    assert rows[1][0] == "'=cmd.png"
    # Numbers are numbers, below zero, too.
    assert any(value.startswith("-") for value in rows[1][1:])
    assert np.isfinite(np.array(rows[1][1:], float)).all()


def test_names_that_are_no_text_survive(
    cli: Cli, sample_files: list[Path], model: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    odd = os.fsdecode(os.fsencode(folder) + b"/caf\xe9 \xff.png")
    try:
        shutil.copy(sample_files[0], odd)
    except OSError:
        pytest.skip("this file system has only names that are text")
    for out in (tmp_path / "x.npz", tmp_path / "x.csv", None):
        said = run("embed", folder, *(["--out", out] if out else []), *model)
        assert said.returncode == 0, said.stderr
    assert rb"caf\xe9 \xff.png" in said.stdout
    with np.load(tmp_path / "x.npz") as file:
        assert file["paths"].tolist() == [odd]
    assert r"caf\xe9 \xff.png" in (tmp_path / "x.csv").read_text(encoding="utf-8")
    assert json.loads(run("embed", folder, "--json", *model).stdout)["images"][0]["path"] == odd
    index = tmp_path / "x.fpi"
    for added in (1, 0):  # it is the same name the second time
        told = json.loads(run("index", folder, "--out", index, "--json", *model).stdout)
        assert (told["added"], told["images"]) == (added, 1)
    found = json.loads(run("search", odd, "--index", index, "--json", *model).stdout)
    assert found["probes"][0]["matches"][0]["name"] == odd
    gallery = tmp_path / "x.fpg"
    assert run("enroll", "x", odd, "-g", gallery, "--no-copies", *model).returncode == 0
    explained = run("explain", odd, "--out", tmp_path / "x.html", *model)
    assert explained.returncode == 0, explained.stderr
    (tmp_path / "x.html").read_text(encoding="utf-8")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    said = run("embed", folder, *model, env=ascii_only)
    assert said.returncode == 0, said.stderr
    # A generator's name is text, and that is said before any image is enrolled.
    os.rename(folder, odd_folder := os.fsencode(tmp_path) + b"/many")
    os.mkdir(odd_folder + b"/\xff")
    shutil.copy(sample_files[0], os.fsdecode(odd_folder + b"/\xff/0.png"))
    (tmp_path / "many" / "a").mkdir()
    shutil.copy(sample_files[0], tmp_path / "many" / "a")
    refused = run("gallery", "add", tmp_path / "many.fpg", os.fsdecode(odd_folder), *model)
    assert refused.returncode == 2
    assert b"is not an entry name" in refused.stderr
    assert not (tmp_path / "many.fpg").exists()


# ---- nobody reads ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["models"], ["--help"], ["models", "--json"], ["nosuch"]])
def test_nobody_reads(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "fingerprint_sdk", *words],
            stdout=gone,
            stderr=gone if words == ["nosuch"] else subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 141
    assert not done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_closed_streams() -> None:
    def shell(line: str) -> subprocess.CompletedProcess[bytes]:
        command = f"{sys.executable} -m fingerprint_sdk {line}"
        return subprocess.run(["sh", "-c", command], capture_output=True, check=False)

    closed = shell("models >&-")
    assert (closed.returncode, closed.stderr) == (141, b"")
    for line in ("models 2>&-", "models <&-", "models <&- 2>&-"):
        done = shell(line)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"compact" in done.stdout
    assert shell("nosuch 2>&-").returncode == 2
