"""Files are written whole or not at all, whoever is killed or writes beside."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import fingerprint_sdk as fp
from fingerprint_sdk.files import replacing, write_bytes, write_text

BEGUN = """
import sys, time
from fingerprint_sdk.files import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half of it")
    print("begun", flush=True)
    sys.stdin.read()
"""
MANY = """
import sys
from fingerprint_sdk.files import write_bytes
print("ready", flush=True)
sys.stdin.readline()
for _ in range(100):
    write_bytes(sys.argv[1], sys.argv[2].encode() * 50_000)
"""


def start(code: str, *args: object) -> subprocess.Popen[str]:
    """A Python process that has printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline(), "the process died at once"
    return process


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has written half of ``path``, and goes on when told."""
    with start(BEGUN, path) as process:
        try:
            yield process
        finally:
            process.kill()


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(value: int) -> Iterator[None]:
    old = os.umask(value)
    try:
        yield
    finally:
        os.umask(old)


def test_a_file_is_written_as_given(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"\x00\r\n\xff")
    write_text(str(tmp_path / "b"), "grün\r\nblau\n")
    with replacing(tmp_path / "c") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.read_bytes() == b""
        temporary.write_bytes(b"c")
        assert not (tmp_path / "c").exists()
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "b").read_bytes() == b"gr\xc3\xbcn\r\nblau\n"
    assert (tmp_path / "c").read_bytes() == b"c"
    assert in_folder(tmp_path) == {"a", "b", "c"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_while_writing_leaves_the_old_file(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    number = path.stat().st_ino

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"new, but not all")
            raise error("in the middle")

    with pytest.raises(error, match="in the middle"):
        fail()
    assert path.read_bytes() == b"old"
    assert path.stat().st_ino == number
    assert in_folder(tmp_path) == {"a"}


def test_cleaning_up_never_hides_the_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def fail() -> None:
        with replacing(folder / "a") as temporary:
            temporary.unlink()
            folder.rmdir()
            raise RuntimeError("the real one")

    with pytest.raises(RuntimeError, match="the real one"):
        fail()
    folder.mkdir()
    with pytest.raises(FileNotFoundError), replacing(folder / "a") as temporary:
        temporary.unlink()  # then there is nothing to put in place


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    with path.open("rb") as reader:
        write_bytes(path, b"newer")
        assert reader.read() == b"new"
    assert path.read_bytes() == b"newer"


def test_content_then_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    done: list[tuple[str, object]] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(number: int) -> None:
        status = os.fstat(number)
        what = "folder" if stat.S_ISDIR(status.st_mode) else "file"
        done.append((f"sync {what}", (status.st_ino, 0 if what == "folder" else status.st_size)))
        fsync(number)

    def record_replace(source: Path, target: Path) -> None:
        done.append(("replace", (os.stat(source).st_ino, target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    write_bytes(path, b"content")
    number = path.stat().st_ino
    assert done == [
        ("sync file", (number, len(b"content"))),
        ("replace", (number, path)),
        ("sync folder", (tmp_path.stat().st_ino, 0)),
    ]


def test_a_killed_writer_leaves_the_old_file_and_the_next_one_sweeps(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    with writer(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_bytes() == b"old"
    left = in_folder(tmp_path) - {"a"}
    assert len(left) == 1
    assert (tmp_path / left.pop()).read_bytes() == b"half of it"
    write_bytes(tmp_path / "b", b"another file of that folder")
    assert in_folder(tmp_path) == {"a", "b"}
    assert path.read_bytes() == b"old"


def test_a_failed_write_sweeps_too(tmp_path: Path) -> None:
    with writer(tmp_path / "a") as process:
        process.kill()
        process.wait()
    assert len(in_folder(tmp_path)) == 1
    with pytest.raises(RuntimeError), replacing(tmp_path / "a"):
        raise RuntimeError
    assert in_folder(tmp_path) == set()


def test_a_living_writer_is_left_alone_and_finishes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with writer(path) as process:
        begun = in_folder(tmp_path)
        assert len(begun) == 1
        write_bytes(path, b"mine")
        write_bytes(tmp_path / "b", b"")
        assert in_folder(tmp_path) == begun | {"a", "b"}
        process.communicate()
        assert process.returncode == 0
    assert path.read_bytes() == b"half of it"  # the last to finish wins
    assert in_folder(tmp_path) == {"a", "b"}


def test_a_writer_of_another_machine_is_dead_after_a_day_without_a_change(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as temporary:
        mine = re.search(r"([0-9a-f]{8})-[0-9]+-[0-9a-f]{8}\.tmp$", temporary.name)
    assert mine is not None
    other = temporary.name.replace(mine[1], f"{int(mine[1], 16) ^ 1:08x}")
    fresh, stale = (tmp_path / f".{letter}{other}" for letter in "ab")
    for path in (fresh, stale):
        path.touch()
    yesterday = time.time() - 25 * 3600
    os.utime(stale, (yesterday, yesterday))
    write_bytes(tmp_path / "a", b"")
    assert in_folder(tmp_path) == {"a", fresh.name}


def test_only_left_over_files_are_swept(tmp_path: Path) -> None:
    others = [".a.tmp", "a.tmp", ".a.12345678-1-1234.tmp", ".a.12345678-x-12345678.tmp", "b"]
    for name in others:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    write_bytes(tmp_path / "a", b"")
    assert in_folder(tmp_path) == {"a", *others}


def test_a_process_number_no_machine_has_is_dead(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as temporary:
        name = temporary.name.replace(f"-{os.getpid()}-", f"-{10**30}-")
    assert name != temporary.name
    (tmp_path / name).touch()
    write_bytes(tmp_path / "a", b"")
    assert in_folder(tmp_path) == {"a"}


@pytest.mark.parametrize("given", [0o600, 0o640, 0o777])
def test_the_mode_of_the_old_file_is_kept(tmp_path: Path, given: int) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(given)
    with umask(0o077), replacing(path) as temporary:
        assert mode(temporary) & ~(given | 0o600) == 0  # nobody else may read it meanwhile
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == given


@pytest.mark.parametrize("value", [0o022, 0o077, 0o002])
def test_the_mode_of_a_new_file_follows_the_umask(tmp_path: Path, value: int) -> None:
    with umask(value):
        write_bytes(tmp_path / "a", b"")
        (tmp_path / "b").touch()
    assert mode(tmp_path / "a") == mode(tmp_path / "b") == 0o666 & ~value


def test_links_stay_links(tmp_path: Path) -> None:
    away, here = tmp_path / "away", tmp_path / "here"
    away.mkdir()
    here.mkdir()
    (here / "link").symlink_to("../away/file")
    (here / "folder").symlink_to(away)
    write_bytes(here / "link", b"made through a link that led nowhere")
    assert (away / "file").read_bytes() == b"made through a link that led nowhere"
    write_bytes(here / "link", b"replaced")
    write_bytes(here / "folder" / "other", b"in it")
    assert (here / "link").is_symlink()
    assert (here / "folder").is_symlink()
    assert (away / "file").read_bytes() == b"replaced"
    assert (away / "other").read_bytes() == b"in it"
    assert in_folder(away) == {"file", "other"}
    assert in_folder(here) == {"link", "folder"}


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "\N{PILE OF POO}" * 63, "a\nb .tmp"])
def test_any_name_the_folder_can_hold_can_be_written(tmp_path: Path, name: str) -> None:
    write_bytes(tmp_path / name, b"first")
    with replacing(tmp_path / name) as temporary:
        temporary.write_bytes(b"second")
    assert (tmp_path / name).read_bytes() == b"second"
    assert in_folder(tmp_path) == {name}


@pytest.mark.parametrize("name", ["file/below", "missing/below", "x" * 256, "folder", "pipe", "o"])
def test_what_cannot_be_written_is_an_oserror_and_a_galleryerror(
    tmp_path: Path, extractor: fp.Extractor, name: str
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "o").symlink_to("o")  # goes round and round
    os.mkfifo(tmp_path / "pipe")
    before = in_folder(tmp_path)
    with pytest.raises(OSError, match=r".") as failure:
        write_bytes(tmp_path / name, b"content")
    assert failure.value.strerror
    with pytest.raises(fp.GalleryError, match="cannot write") as told:
        fp.Gallery(extractor).save(tmp_path / name)
    assert str(told.value) == f"cannot write {str(tmp_path / name)!r}: {failure.value.strerror}"
    assert in_folder(tmp_path) == before
    assert (tmp_path / "file").read_bytes() == b"old"


def test_threads_that_write_one_file_each_write_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    contents = [bytes([letter]) * 50_000 for letter in b"abcd"]
    write_bytes(path, contents[0])
    errors: list[BaseException] = []

    def write_often(content: bytes) -> None:
        try:
            for _ in range(50):
                write_bytes(path, content)
                assert path.read_bytes() in contents
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write_often, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert in_folder(tmp_path) == {"a"}


def test_processes_that_write_one_file_each_write_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    wholes = {letter.encode() * 50_000 for letter in "ab"}
    write_bytes(path, b"a" * 50_000)
    with start(MANY, path, "a") as one, start(MANY, path, "b") as other:
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        while one.poll() is None or other.poll() is None:
            assert path.read_bytes() in wholes
    assert (one.returncode, other.returncode) == (0, 0)
    assert path.read_bytes() in wholes
    assert in_folder(tmp_path) == {"a"}
