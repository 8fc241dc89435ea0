"""Decoders that keep what they think of a file to themselves: it is not for stderr."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import Any

from fingerprint_sdk.process.forks import in_child

_LOGGER = logging.getLogger("PIL.TiffImagePlugin")  # the only one of ours that logs errors


class _Quiet:
    """Silences Pillow while any thread decodes, and leaves everything as it was.

    Warning filters and libtiff's handler are those of the whole process. So the first thread in
    sets them and the last one out puts them back. A filter is added and removed again by itself:
    to save and restore the list, as ``warnings.catch_warnings`` does, would undo what others
    changed meanwhile.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.lock = threading.Lock()
        self.filters: Any = []  # a list
        self.filter: Any = None
        self.handler: Any = None
        self.threads: set[int] = set()

    def enter(self) -> None:
        """One thread more decodes."""
        with self.lock:
            self.threads.add(threading.get_ident())
            self.depth += 1
            if self.depth > 1:
                return
            self.filters = warnings.filters
            before = list(self.filters)
            warnings.filterwarnings("ignore", module=r"PIL\.")
            # Where the user has the same filter, it is not ours to remove.
            self.filter = self.filters[0] if list(self.filters) != before else None
            _LOGGER.addFilter(self.passes)
            if (libtiff := _libtiff()) is not None:
                self.handler = libtiff.TIFFSetErrorHandler(None)

    def leave(self) -> None:
        """One thread less decodes."""
        with self.lock:
            self.threads.discard(threading.get_ident())
            self.depth -= 1
            if not self.depth:
                self.restore()

    def restore(self) -> None:
        """Take back what was set."""
        # Whoever entered catch_warnings meanwhile has a copy in use.
        in_use: Any = warnings.filters
        for filters in (self.filters, in_use):
            with suppress(ValueError):
                filters.remove(self.filter)
        _LOGGER.removeFilter(self.passes)
        if (libtiff := _libtiff()) is not None:
            libtiff.TIFFSetErrorHandler(self.handler)

    def passes(self, record: logging.LogRecord) -> bool:
        """Whether a record was not logged by a thread that decodes."""
        return record.thread not in self.threads

    def after_fork(self) -> None:
        """In a child: no thread decodes here."""
        if self.depth:
            self.restore()
        self.__init__()  # type: ignore[misc]


_quiet = _Quiet()
in_child(_quiet.after_fork)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep warnings, logged errors and libtiff's own messages off stderr."""
    _quiet.enter()
    try:
        yield
    finally:
        _quiet.leave()


@cache
def _libtiff() -> Any:
    """Pillow's libtiff, which prints errors on stderr by itself; None where it is out of reach."""
    with suppress(ImportError, OSError, AttributeError):
        library = ctypes.CDLL(import_module("PIL._imaging").__file__)
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
        library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        return library
    return None
