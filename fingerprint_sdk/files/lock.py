"""One at a time: whoever changes a file reads, changes and writes it while holding its lock."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

from fingerprint_sdk.files.replacement import check_target

LOCK_SECONDS = 60.0
"""How long to wait for another writer: replacing an index of a million images takes up to 10 s."""

_LONGEST = 200  # bytes of a name that has room for more; 255 are the most that file systems take


@contextmanager
def locked(path: str | os.PathLike[str], timeout: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of a file, against other processes and threads.

    Only those who ask for the lock heed it; readers need none. It is taken on an empty file
    ``.NAME.lock`` beside the file, or beside that which a link names, and goes with the process
    that holds it, however it ends. The lock file stays: to remove it would let in two. The thread
    that holds the lock may take it again.

    Args:
        path: of the file, which need not exist; its folder must.
        timeout: seconds to wait for others.

    Raises:
        TimeoutError: others kept it all that time.
        OSError: the file cannot be written there, or is no regular file.
    """
    # Here, since importing this package imports nothing that it may not need.
    from filelock import FileLock, Timeout

    target = check_target(path)
    lock = FileLock(_beside(target), mode=_mode(target.parent), is_singleton=True)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise TimeoutError(
            errno.ETIMEDOUT,
            f"somebody else is changing it, and was not done after {timeout:g} s: try again later",
            str(target),
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def claimed(path: str | os.PathLike[str]) -> Iterator[bool]:
    """Ask to be the one who makes a file that takes long to make; yields whether we are.

    The claim is the file's lock, see ``locked``: it is held until the end and goes with the
    process. No: the file is there, or another process or thread is making it. Whoever needs it
    asks again later, since the other may be killed.

    Args:
        path: of the file; its folder must exist.

    Raises:
        OSError: the file cannot be written there, or is no regular file.
    """
    with ExitStack() as claim:
        if not os.path.exists(path):
            try:
                claim.enter_context(locked(path, timeout=0))
            except TimeoutError:
                yield False
                return
        # Again: another may have made it while we asked.
        yield not os.path.exists(path)


@lru_cache(4096)
def _mode(folder: Path) -> int:
    """Whoever may write into the folder may take the lock, whatever the umask of the first.

    Asked once: a lock that is held must not be asked for with another mode.
    """
    return stat.S_IMODE(folder.stat().st_mode) & 0o666 | 0o600


def _beside(target: Path) -> Path:
    name = target.name
    if len(os.fsencode(name)) > _LONGEST:
        name = name[:24] + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return target.with_name(f".{name}.lock")
