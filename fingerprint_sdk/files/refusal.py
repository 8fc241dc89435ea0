"""What the system says of a file that it refuses, in words of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fingerprint_sdk.errors import FingerprintError


@contextmanager
def writing(
    path: str | os.PathLike[str], kind: type[FingerprintError] = FingerprintError
) -> Iterator[None]:
    """Turn what the system refuses in writing ``path`` into an error of ours that names it."""
    try:
        yield
    except BrokenPipeError:  # nothing is wrong: whoever read it has enough
        raise
    except OSError as error:
        # NumPy and others raise it without the system's words.
        raise kind(f"cannot write {named(path)}: {error.strerror or error}") from error


def named(path: str | os.PathLike[str]) -> str:
    """A path as messages have it, without links."""
    try:
        return repr(os.path.realpath(path))
    except ValueError:  # it can be none, and the message is about that
        return repr(os.fspath(path))
