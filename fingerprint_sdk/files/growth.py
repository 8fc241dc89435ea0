"""Files that grow at their end, and whose readers see all of an addition or nothing of it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable

from fingerprint_sdk.files.lock import locked


def append(
    path: str | os.PathLike[str],
    seal: bytes,
    content: Iterable[bytes | memoryview],
    *,
    end: int,
    inode: tuple[int, int],
) -> bool:
    """Add to the end of a file: ``seal``, then ``content``, from ``start_after(end)`` on.

    First the content is written and synced, behind zeros; then the seal takes the place of the
    zeros, and is synced. Its readers must take what begins with zeros as not there: they see all
    that is added or nothing of it, and so they do after a crash. What a killed writer left goes
    with the next.

    Args:
        path: of the file; a link stays a link.
        seal: eight bytes, one of them not zero: processors copy byte by byte, so that a reader
            may see the first half of more.
        content: what follows it.
        end: the file's length, as far as it counts.
        inode: of the file whose end that is, see ``inode_of``; held open by the caller, so that
            the system gives its number to no other file.

    Returns:
        Whether it was added. If not, nothing was done, and the file may only be replaced: it is
        another file by now, or longer, or shorter; it has a second name that should not change;
        it may not be written to, or the system is one that we cannot do it on.

    Raises:
        OSError: it cannot be written; the file is as it was.
        ValueError: no such seal.
    """
    if len(seal) != 8 or seal.count(0) != 7:
        raise ValueError(f"{seal!r} seals nothing: give eight bytes, one of them not zero")
    if os.name != "posix":
        return False
    try:
        number = os.open(path, os.O_RDWR)
    except OSError:
        return False
    # Unbuffered: an error is the end of writing.
    with open(number, "rb+", buffering=0) as file, locked(path):
        if not _is_as_known(path, number, end, inode):
            return False
        _add(file, seal, content, end)
    return True


def _is_as_known(
    path: str | os.PathLike[str], number: int, end: int, inode: tuple[int, int]
) -> bool:
    status, named = os.fstat(number), os.stat(path)
    return (
        inode_of(status) == inode_of(named) == inode
        and status.st_nlink == 1
        and status.st_size >= end
        and not any(os.pread(number, 8, start_after(end)))
    )


def _add(file: io.FileIO, seal: bytes, content: Iterable[bytes | memoryview], end: int) -> None:
    start = start_after(end)
    try:
        file.truncate(end)
        file.seek(start + len(seal))
        _write_all(file, content)
        os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise
    file.seek(start)
    _write_all(file, [seal])
    os.fsync(file.fileno())


def start_after(end: int) -> int:
    """Where an addition to a file of this length starts: at the next multiple of eight."""
    return end + -end % 8


def inode_of(status: os.stat_result) -> tuple[int, int]:
    """What tells a file from every other that is there or open: its device and number on it."""
    return status.st_dev, status.st_ino


def _write_all(file: io.FileIO, pieces: Iterable[bytes | memoryview]) -> None:
    for piece in pieces:
        left = memoryview(piece)
        while left:
            left = left[file.write(left) :]
