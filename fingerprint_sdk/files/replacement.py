"""Files that are replaced as a whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fingerprint_sdk.files.left_over import sweep, temporary_name

_EFFECTIVE = os.access in os.supports_effective_ids


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file whole or not at all.

    Yields the path of a temporary file in the same folder, there already and empty. What is
    written to it takes the place of ``path`` at the end, with the mode of the file that it
    replaces; after an error ``path`` is as it was. A link stays a link: the file it names is
    replaced. The temporary file's name ends in ".tmp"; to a library that makes names or formats
    of endings, as NumPy does, give the open file.

    Args:
        path: of the file; its folder must exist. A file that is read-only to this user is not
            replaced, though its folder may allow it.

    Raises:
        OSError: the file cannot be written.
    """
    target = check_target(path)
    mode = _mode_of(target)
    temporary = target.with_name(temporary_name(target.name))
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
    except OSError as error:
        if error.filename is None:  # as when the disk is full
            error.filename = str(target)
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        sweep(target.parent)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace a file by ``content``; see ``replacing``."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike[str], content: str) -> None:
    """Replace a file by ``content`` in UTF-8, lines ending as given; see ``replacing``."""
    write_bytes(path, content.encode())


def check_target(path: str | os.PathLike[str]) -> Path:
    """The file that ``path`` names, or a link there: one that may be replaced, or made.

    Raises:
        OSError: it is no regular file, it or its folder may not be written to, its folder is not
            there, or there can be no such name.
    """
    try:
        target = Path(os.path.realpath(path))
        os.fsencode(target)
    except ValueError:  # a zero byte, or a surrogate that stands for no byte
        raise OSError(errno.EINVAL, "No file can have that name", str(path)) from None
    if _mode_of(target) is None and not target.parent.exists():
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist", str(target))
    # Whoever may write into the folder could replace any file in it. Its owner did not mean that.
    for there in (target.parent, target):
        if there.exists() and not os.access(there, os.W_OK, effective_ids=_EFFECTIVE):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    return target


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
