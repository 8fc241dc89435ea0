"""Names of temporary files, and which of them dead writers left."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import time
import zlib
from pathlib import Path


def _machine() -> str:
    """Where a process number means one process: a machine since it started, and on it a container.

    Machines made from one image may have one name.
    """
    numbering = started = ""
    with contextlib.suppress(OSError, AttributeError):
        numbering = os.readlink("/proc/self/ns/pid")
    with contextlib.suppress(OSError, ValueError):
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return f"{zlib.crc32(f'{platform.node()} {numbering} {started}'.encode()):08x}"


# Temporary files name their writer, who may be of another machine where the folder is shared.
_LEFT_OVER = re.compile(r"\..+\.([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.tmp", re.DOTALL)
_MACHINE = _machine()
_DEAD_AFTER = 24 * 3600  # seconds without a change, where nobody can say whether the writer lives


def temporary_name(name: str) -> str:
    """Of a file that becomes ``name``; cut short, so that it fits wherever ``name`` does."""
    return f".{name[:24]}.{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def sweep(folder: Path) -> None:
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
