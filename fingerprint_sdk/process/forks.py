"""What a forked child must not take over from its parent: threads, and locks they held.

Only the thread that forks goes on in the child. A lock that another thread held at that moment
is never released there, and a pool's threads are gone.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class Renewed(Protocol):
    """What is made anew in a forked child."""

    def after_fork(self) -> None:
        """Called in the child, before any other thread runs there."""


_living: WeakSet[Any] = WeakSet()


def renewed_after_fork(owner: Renewed) -> None:
    """From now on call ``owner.after_fork`` in each forked child, as long as it lives."""
    _living.add(owner)


def in_child(function: Callable[[], object]) -> None:
    """Call a function in each forked child, for ever."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def _renew() -> None:
    for owner in list(_living):
        owner.after_fork()


in_child(_renew)


class Lock:
    """A lock that its thread may take again, and that is free in a forked child.

    Copies of it, and what is pickled with it, have a lock of their own.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        renewed_after_fork(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()

    def after_fork(self) -> None:
        """See ``Renewed``."""
        self._lock = threading.RLock()


class cached_property(functools.cached_property[T]):
    """That of ``functools``, of which Python 3.11 locks all instances while one is computed."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        super().__init__(function)
        if hasattr(self, "lock"):
            self.lock = Lock()
