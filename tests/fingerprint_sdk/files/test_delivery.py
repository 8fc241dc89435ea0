"""Results go into files, whole or not at all, or into what reads them at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fingerprint_sdk.files import check_delivery, delivering

PRINT = """
import sys
from fingerprint_sdk.files import delivering
print("before")
with delivering(sys.argv[1]) as file:
    file.write(b"content")
print("after")
"""


def deliver(path: Path | str, content: bytes = b"content") -> None:
    check_delivery(path)
    with delivering(path) as file:
        file.write(content)


def printed(name: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", PRINT, name], check=True, **options)


def test_a_file_is_replaced_and_a_link_stays_one(tmp_path: Path) -> None:
    deliver(tmp_path / "a", b"old")
    (tmp_path / "link").symlink_to("a")
    deliver(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_pipe_with_a_name_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    deliver(pipe)
    reader.join()
    assert read == [b"content"]
    assert pipe.is_fifo()


def test_after_an_error_nothing_comes_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    number = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)

    def fail() -> None:
        with delivering(pipe) as file:
            file.write(b"half")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    with pytest.raises(BlockingIOError):
        os.read(number, 1)
    os.close(number)


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs /dev/stdout")
def test_standard_output_may_be_named(tmp_path: Path) -> None:
    lines = b"before\ncontentafter\n"
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        assert printed(name, stdout=subprocess.PIPE).stdout == lines
    out = tmp_path / "out"
    out.write_bytes(b"there already\n")
    with out.open("ab") as file:
        printed("/dev/stdout", stdout=file)
    assert out.read_bytes() == b"there already\n" + lines
    assert list(tmp_path.iterdir()) == [out]


def test_devices_that_take_anything_are_written_to() -> None:
    deliver("/dev/null")
    with pytest.raises(OSError, match="No space left"):
        deliver("/dev/full", b"x" * 100_000)
    assert Path("/dev/null").is_char_device()
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    "name", ["file/below", "missing/a", "x" * 256, "folder", "a\0b", "\ud800"]
)
def test_what_cannot_be_written_is_found_out_before(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    for attempt in (check_delivery, deliver):
        with pytest.raises(OSError, match=r".") as failure:
            attempt(f"{tmp_path}/{name}")
        assert failure.value.strerror
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_found_out_before(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        check_delivery(tmp_path / "a")
    tmp_path.chmod(0o700)
