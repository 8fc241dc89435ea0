"""Full, forbidden and odd places to write to: one line says so, and the old file is as it was."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.cli_runner import Cli

import fingerprint_sdk as fp
from fingerprint_sdk.files import locked, replacing  # before this process is somebody else

NOBODY = 65534
Save = Callable[[Path], object]


def run(*words: object, limit: int | None = None) -> subprocess.CompletedProcess[bytes]:
    """A command that may write files of ``limit`` bytes, as with a full disk or a quota."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "fingerprint_sdk", *map(str, words)],
        capture_output=True,
        check=False,
        timeout=120,
        preexec_fn=limited,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.fixture
def commands(
    generators: Path, model: list[str], gallery: fp.Gallery, tmp_path: Path
) -> dict[str, list[object]]:
    """Commands by the file that each writes to, its path left out."""
    gallery.save(tmp_path / "known.fpg")
    known, folder = tmp_path / "known.fpg", generators / "source0"
    return {
        "e.npz": ["embed", folder, *model, "--out"],
        "e.npy": ["embed", folder, *model, "--out"],
        "e.csv": ["embed", folder, *model, "--out"],
        "g.csv": ["gallery", "export", known, "--out"],
        "g.fpg": ["enroll", "new", folder, "--no-copies", *model, "-g"],
        "x.fpi": ["index", folder, *model, "--out"],
        "c.html": ["gallery", "check", known, *model, "--page"],
        "r.html": ["report", sorted(folder.iterdir())[0], "-g", known, *model, "--out"],
    }


@pytest.fixture(params=["e.npz", "e.npy", "e.csv", "g.csv", "g.fpg", "x.fpi", "c.html", "r.html"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def in_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_full_disk(
    commands: dict[str, list[object]], name: str, gallery: fp.Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / name
    if name == "g.fpg":
        gallery.save(path)
    else:
        assert run(*commands[name], path).returncode == 0
    if name == "x.fpi":  # or nothing would be to be added
        index = fp.Index.load(path)
        index.remove([index.names[0]])
        index.save(path)
    before = in_folder(folder)
    full = run(*commands[name], path, limit=300)
    assert full.returncode == 2
    # NumPy 1 leaves a word of its own behind it.
    [said] = [line for line in full.stderr.decode().splitlines() if line.startswith("error")]
    assert said.startswith(f"error: cannot write {str(path)!r}: ")
    assert full.stderr.count(b"error") == 1
    assert full.stdout == b""
    assert in_folder(folder) == before


@pytest.mark.parametrize("odd", ["file/below", "absent/", "folder/", "x" * 252])
def test_a_place_that_is_none(
    cli: Cli, commands: dict[str, list[object]], name: str, odd: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    path = tmp_path / f"{odd}{name}"
    if odd == "folder/":
        path.mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = cli.fails(*commands[name], path)
    assert path.name in said
    assert len(said.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_pipe_gets_a_table_and_is_no_gallery(
    commands: dict[str, list[object]], name: str, cli: Cli, tmp_path: Path
) -> None:
    pipe = tmp_path / name
    os.mkfifo(pipe)
    if name.endswith((".fpg", ".fpi")):
        assert "regular file" in cli.fails(*commands[name], pipe)
        assert not pipe.with_name(f".{name}.lock").exists()
    else:
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
        reader.start()
        cli(*commands[name], pipe)
        reader.join()
        cli(*commands[name], tmp_path / f"file {name}")
        if name not in ("e.npz", "r.html"):  # a zip file and a report have times in them
            assert read == [(tmp_path / f"file {name}").read_bytes()]
        else:
            assert read[0].startswith((b"PK", b"<!doctype html>"))
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_is_written_through(
    commands: dict[str, list[object]], name: str, cli: Cli, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    link = tmp_path / f"link-{name}"
    link.symlink_to(away / name)
    if name == "g.fpg":
        (tmp_path / "known.fpg").rename(away / name)
    cli(*commands[name], link)
    assert link.is_symlink()
    assert (away / name).stat().st_size > 100


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_a_device_is_no_gallery_and_stays_one(
    commands: dict[str, list[object]], cli: Cli, device: str
) -> None:
    for name in ("g.fpg", "x.fpi"):
        assert "regular file" in cli.fails(*commands[name], device)
    table = run(*commands["e.csv"], device)
    assert table.returncode == (0 if device == "/dev/null" else 2)
    assert table.stderr.splitlines()[-1].startswith(
        b"wrote 6" if device == "/dev/null" else b"error: cannot write '/dev/full': No space left"
    )
    assert Path(device).is_char_device()


def test_standard_output_is_a_table(commands: dict[str, list[object]], tmp_path: Path) -> None:
    for name in ("e.csv", "g.csv"):
        words = [*commands[name], "/dev/stdout", *(["--format", "csv"] if name == "g.csv" else [])]
        done = run(*words)
        assert done.returncode == 0, done.stderr
        assert run(*commands[name], tmp_path / name).returncode == 0
        assert done.stdout == (tmp_path / name).read_bytes()
        assert b"wrote" in done.stderr


# ---- in Python -------------------------------------------------------------------------------


@contextmanager
def forbidden() -> Iterator[Path]:
    """A folder that this process may look into and not write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


@contextmanager
def as_root() -> Iterator[None]:
    """Whoever started this process, in the midst of ``forbidden``."""
    user = os.geteuid()
    os.seteuid(os.getuid())
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture(params=["gallery", "index", "csv", "page"])
def save(request: pytest.FixtureRequest, gallery: fp.Gallery, sample_files: list[Path]) -> Save:
    """Something that writes to a path."""
    if request.param == "gallery":
        return gallery.save
    if request.param == "index":
        return fp.Index.build(sample_files[:2], model=gallery.extractor).save
    if request.param == "csv":
        return gallery.export_csv
    pytest.importorskip("matplotlib", reason="explanations need matplotlib")
    found = fp.explain(sample_files[0], model=gallery.extractor)
    found.pictures()  # here, since what it imports may not be read later
    return found.save


def test_another_users_folder(save: Save, tmp_path: Path) -> None:
    for use in (locked, replacing):
        with use(tmp_path / "first"):
            pass
    save(tmp_path / "first.html")
    with forbidden() as folder:
        with pytest.raises(fp.FingerprintError, match=r"cannot write '.*x\.html': Permission"):
            save(folder / "x.html")
        assert list(folder.iterdir()) == []


def test_a_read_only_file_in_a_folder_of_ones_own(save: Save) -> None:
    with forbidden() as folder:
        path = folder / "x.html"
        with as_root():
            path.write_bytes(b"kept")
            path.chmod(0o444)
            folder.chmod(0o777)
        with pytest.raises(fp.FingerprintError, match=r"cannot write '.*x\.html': Permission"):
            save(path)
        assert path.read_bytes() == b"kept"
        path.unlink()  # the folder allows it
        save(path)


@pytest.mark.parametrize("odd", ["a\0b.html", "\ud800.html"])
def test_a_name_that_no_file_can_have(save: Save, odd: str, tmp_path: Path) -> None:
    before = list(tmp_path.iterdir())
    with pytest.raises(fp.FingerprintError, match=r"cannot write .*No file can have that name"):
        save(tmp_path / odd)
    assert list(tmp_path.iterdir()) == before


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "x" * 300, "file/below", "."])
def test_a_name_that_no_file_can_have_is_not_read(odd: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for load in (fp.Gallery.load, fp.Index.load):
        with pytest.raises(fp.GalleryError, match=r"there is no|cannot read|no regular"):
            load(tmp_path / odd)
    for change in (fp.Gallery.changing, fp.Index.changing):
        with pytest.raises(fp.GalleryError), change(tmp_path / odd):
            raise AssertionError("it was opened")


def test_a_full_device_in_memory(gallery: fp.Gallery, tmp_path: Path) -> None:
    """A real file system that is full, where one may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount one")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount: {mounted.stderr.decode().strip()}")
    try:
        gallery.save(folder / "g.fpg")
        before = (folder / "g.fpg").read_bytes()
        rows = np.eye(16, dtype=np.float32)
        for number in range(1000):
            gallery.enroll(f"{number} {'x' * 150}", rows[number % 16])
        for save in (gallery.save, gallery.export_csv):
            with pytest.raises(fp.GalleryError, match=r"cannot write .*: No space left"):
                save(folder / "g.fpg")
        assert (folder / "g.fpg").read_bytes() == before
        assert {path.name for path in folder.iterdir()} == {"g.fpg", ".g.fpg.lock"}
    finally:
        subprocess.run(["umount", folder], check=True)
