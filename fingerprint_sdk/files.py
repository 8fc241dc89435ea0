"""How every file of this project is written: whole or not at all, and on the disk.

The new content goes to a temporary file beside the old one and takes its place when it is complete
and synced, so that readers see the old file or the new one, and a crash leaves the old one. A
writer that is killed leaves its temporary file; the next writer in the folder removes it.

A file that is too large for that, and whose readers know how, grows at its end: see ``append``.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import platform
import re
import secrets
import stat
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def _machine() -> str:
    """Where a process number means one process: a machine, and on it a container."""
    numbering = ""
    with contextlib.suppress(OSError, AttributeError):
        numbering = os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(f'{platform.node()} {numbering}'.encode()):08x}"


# Temporary files name their writer, who may be of another machine where the folder is shared.
_LEFT_OVER = re.compile(r"\..+\.([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.tmp", re.DOTALL)
_MACHINE = _machine()
_DEAD_AFTER = 24 * 3600  # seconds without a change, where nobody can say whether the writer lives


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file whole or not at all.

    Yields the path of a temporary file in the same folder, there already and empty. What is
    written to it takes the place of ``path`` at the end, with the mode of the file that it
    replaces; after an error ``path`` is as it was. A link stays a link: the file it names is
    replaced. The temporary file's name ends in ".tmp"; to a library that makes names or formats
    of endings, as NumPy does, give the open file.

    Args:
        path: of the file; its folder must exist.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    # Cut short, so that any name the folder can hold has room for a temporary one.
    name = f".{target.name[:24]}.{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    temporary = target.with_name(name)
    # Nobody reads it who could not read the old one, not even while it is written.
    temporary.touch(0o666 if mode is None else mode | stat.S_IWUSR | stat.S_IRUSR, exist_ok=False)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        _sweep(target.parent)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace a file by ``content``; see ``replacing``."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike[str], content: str) -> None:
    """Replace a file by ``content`` in UTF-8, lines ending as given; see ``replacing``."""
    write_bytes(path, content.encode())


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
        seal: eight bytes, not all zero, which no reader sees half of.
        content: what follows it.
        end: the file's length, as far as it counts.
        inode: of the file whose end that is, see ``inode_of``; held open by the caller, so that
            the system gives its number to no other file.

    Returns:
        Whether it was added. If not, nothing was done, and the file may only be replaced: it is
        another file by now, or longer, or shorter; it has a second name that should not change;
        it may not be written to, or the system has no locks.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        number = os.open(path, os.O_RDWR)
    except OSError:
        return False
    with open(number, "rb+", buffering=0) as file:  # unbuffered: an error is the end of writing
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            status, named = os.fstat(number), os.stat(path)
        except OSError:
            return False
        start = start_after(end)
        if (
            not inode_of(status) == inode_of(named) == inode
            or status.st_nlink != 1
            or status.st_size < end
            or any(os.pread(number, len(seal), start))
        ):
            return False
        try:
            file.truncate(end)
            file.seek(start + len(seal))
            _write_all(file, content)
            os.fsync(number)
        except BaseException:
            with contextlib.suppress(OSError):
                file.truncate(end)
            raise
        file.seek(start)
        _write_all(file, [seal])
        os.fsync(number)
    return True


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


def _mode_of(target: Path) -> int | None:
    """The mode of the file to be replaced; None if there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not stat.S_ISREG(mode):  # a device or a pipe, that a file would take the place of
        raise OSError(errno.EINVAL, "Not a regular file", str(target))
    return stat.S_IMODE(mode)


def _sync_folder(folder: Path) -> None:
    """Make the renaming last, too. Windows and some network folders know no such thing."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _sweep(folder: Path) -> None:
    """Remove what dead writers left in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _LEFT_OVER.fullmatch(entry.name)
            if match is not None:
                with contextlib.suppress(OSError):  # another writer may be sweeping, too
                    if _is_dead(match[1], int(match[2]), entry):
                        os.unlink(entry.path)


def _is_dead(machine: str, process: int, entry: os.DirEntry[str]) -> bool:
    if machine != _MACHINE or os.name != "posix":  # elsewhere signal 0 would end the process
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > _DEAD_AFTER
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # somebody else's, who lives
        return False
    return False
