"""Files grow at their end, and whoever is killed leaves what was there."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fingerprint_sdk.files import append, inode_of, start_after

SEAL = b"\0\0\0\0\0\0\0!"
KILLED = """
import os, signal, sys
from pathlib import Path
from fingerprint_sdk import files

fsync, left = os.fsync, int(sys.argv[2])

def killed_at_last(number):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(number)

os.fsync = killed_at_last
path = Path(sys.argv[1])
inode = files.inode_of(path.stat())
files.append(path, bytes([0, 0, 107, 0, 0, 0, 0, 0]), [b"k" * 100_000], end=11, inode=inode)
"""
MANY = """
import sys
from test_growth import add, records
for number in range(40):
    while not add(sys.argv[1], f"{sys.argv[2]}{number}".encode() * 512, records(sys.argv[1])[1]):
        pass
"""


def added(path: Path, *content: bytes, end: int, seal: bytes = SEAL) -> bool:
    return append(path, seal, content, end=end, inode=inode_of(path.stat()))


def test_what_is_added_follows_at_a_multiple_of_eight(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"eleven bytes"[:11])
    inode = path.stat().st_ino
    assert append(path, SEAL, [b"ab", memoryview(b"cde")], end=11, inode=inode_of(path.stat()))
    assert path.read_bytes() == b"eleven byte" + bytes(5) + SEAL + b"abcde"
    assert added(path, end=29)
    assert path.read_bytes() == b"eleven byte" + bytes(5) + SEAL + b"abcde" + bytes(3) + SEAL
    assert path.stat().st_ino == inode
    assert [start_after(end) for end in (0, 1, 8, 9)] == [0, 8, 8, 16]


def test_content_is_synced_before_its_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345678")
    synced: list[bytes] = []
    fsync = os.fsync

    def record(number: int) -> None:
        assert os.fstat(number).st_ino == path.stat().st_ino
        synced.append(path.read_bytes())
        fsync(number)

    monkeypatch.setattr(os, "fsync", record)
    assert added(path, b"content", end=8)
    assert synced == [b"12345678" + bytes(8) + b"content", b"12345678" + SEAL + b"content"]


def test_an_error_while_adding_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"eleven byte")

    def content() -> Iterator[bytes]:
        yield b"some"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        append(path, SEAL, content(), end=11, inode=inode_of(path.stat()))
    assert path.read_bytes() == b"eleven byte"


@pytest.mark.parametrize("sync", [1, 2])
def test_a_killed_writer_leaves_nothing_or_all(tmp_path: Path, sync: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"eleven byte")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(sync)], check=False)
    assert done.returncode < 0, "it was not killed"
    left = path.read_bytes()
    assert left[:16] == b"eleven byte" + bytes(5)
    assert left[16:24] == (bytes(8) if sync == 1 else b"\0\0k\0\0\0\0\0")
    assert left[24:] == b"k" * 100_000
    assert added(path, b"next", end=11) == (sync == 1)
    assert path.read_bytes() == (left if sync == 2 else left[:16] + SEAL + b"next")


def test_only_the_file_that_is_known_grows(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    for each in (path, other):
        each.write_bytes(b"eleven byte")
    mine = inode_of(path.stat())
    assert not append(path, SEAL, [b"x"], end=11, inode=inode_of(other.stat()))
    assert not append(path, SEAL, [b"x"], end=12, inode=mine)  # longer than it is
    assert not append(tmp_path / "none", SEAL, [b"x"], end=11, inode=mine)
    assert not append(tmp_path, SEAL, [b"x"], end=11, inode=inode_of(tmp_path.stat()))
    os.link(path, tmp_path / "second name")
    assert not append(path, SEAL, [b"x"], end=11, inode=mine)
    os.unlink(tmp_path / "second name")
    assert path.read_bytes() == other.read_bytes() == b"eleven byte"
    assert added(path, b"x", end=11)
    assert not added(path, b"y", end=11)  # somebody was faster
    os.replace(other, path)
    assert not append(path, SEAL, [b"x"], end=11, inode=mine)
    assert path.read_bytes() == b"eleven byte"


@pytest.mark.parametrize(
    "seal", [b"", b"!", bytes(8), b"1234567!", b"\0\0\0\0\0\0!!", SEAL + b"\0"]
)
def test_a_seal_that_may_be_seen_half_is_refused(tmp_path: Path, seal: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"eleven byte")
    with pytest.raises(ValueError, match="one of them not zero"):
        added(path, b"x", end=11, seal=seal)
    assert path.read_bytes() == b"eleven byte"


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"eleven byte")
    (tmp_path / "link").symlink_to("file")
    assert added(tmp_path / "link", b"x", end=11)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes().endswith(SEAL + b"x")


def add(path: str | Path, content: bytes, end: int) -> bool:
    """Add a record: its length is the seal, 1024 or 1536."""
    inode = inode_of(os.stat(path))
    return append(path, struct.pack("<Q", len(content)), [content], end=end, inode=inode)


def records(path: str | Path) -> tuple[list[bytes], int]:
    """The records of a file, and where the last one ends."""
    data = Path(path).read_bytes()
    found: list[bytes] = []
    end = 0
    while length := struct.unpack("<Q", data[start_after(end) :][:8].ljust(8, b"\0"))[0]:
        start = start_after(end) + 8
        end = start + length
        found.append(data[start:end])
    return found, end


def test_processes_that_add_to_one_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    processes = [
        subprocess.Popen([sys.executable, "-c", MANY, str(path), letter], env=environment)
        for letter in "ab"
    ]
    torn: list[int] = []
    while any(process.poll() is None for process in processes):
        torn += [len(r) for r in records(path)[0] if len(r) not in (1024, 1536)]
    assert [process.returncode for process in processes] == [0, 0]
    assert not torn
    found, end = records(path)
    assert end == path.stat().st_size
    for letter in "ab":
        wanted = [f"{letter}{number}".encode() * 512 for number in range(40)]
        assert [record for record in found if record.startswith(letter.encode())] == wanted
