"""Results for somebody else: into a file, or where they are read at once."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from fingerprint_sdk.files.replacement import check_target, replacing


@contextmanager
def delivering(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """An open file, whose content becomes that of ``path`` at the end; see ``replacing``.

    What is no file but something that is read from, a pipe, a terminal, ``/dev/stdout``, gets all
    of it written into it, or after an error nothing.

    Raises:
        OSError: it cannot be written.
    """
    if not is_stream(path):
        with replacing(path) as temporary, temporary.open("wb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as whole:
        yield whole
        whole.seek(0)
        with _opened(path) as stream:
            shutil.copyfileobj(whole, stream)


def check_delivery(path: str | os.PathLike[str]) -> None:
    """Raise OSError if ``delivering`` to ``path`` would, as far as that can be told."""
    if not is_stream(path):
        check_target(path)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether it is a pipe, a character device, or this process's standard output."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ``replacing`` says what is wrong with it
        return False
    mode = status.st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or _is_stdout(status)


def _opened(path: str | os.PathLike[str]) -> IO[bytes]:
    # What was printed stays before it; and a file that stdout leads to is not opened anew, which
    # would start at its beginning.
    if _is_stdout(os.stat(path)):
        sys.stdout.flush()
        return os.fdopen(os.dup(1), "wb")
    return open(path, "wb")


def _is_stdout(status: os.stat_result) -> bool:
    try:
        return os.path.samestat(status, os.fstat(1))
    except OSError:  # it is closed
        return False
