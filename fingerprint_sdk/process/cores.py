"""How many cores this process may use: of the machine, and of what a container grants.

A container is granted cores in two ways: some of them by name (``cpuset``, which
``sched_getaffinity`` tells), or so much of their time (``cfs_quota``). A thread beyond the latter
only waits.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_FILES = {2: ("cpu.max",), 1: ("cpu.cfs_quota_us", "cpu.cfs_period_us")}  # by cgroup version


def cores() -> int:
    """Cores of whose time this process gets all, at least 1; a part of one counts as one."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, granted_time())))


def granted_time(root: Path = Path("/")) -> float:
    """Cores' time that control groups grant this process; infinite without a limit.

    Args:
        root: of the file system, above ``proc``.
    """
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
        mounts = (root / "proc/self/mountinfo").read_text().splitlines()
    except (OSError, ValueError):
        return math.inf
    quotas = [
        quota
        for version, mount, top in _mounted(mounts)
        for group in _groups(groups, version)
        for folder in _with_parents(root / mount.lstrip("/"), _below(group, top))
        if (quota := _quota(folder, version)) is not None
    ]
    return min(quotas, default=math.inf)


def _mounted(mounts: list[str]) -> Iterator[tuple[int, str, str]]:
    """Version, mount point and topmost group of each hierarchy that may limit time."""
    for line in mounts:
        fields, _, rest = line.partition(" - ")
        kind, *options = rest.split(" ")
        version = 2 if kind == "cgroup2" else 1 if kind == "cgroup" else 0
        if version == 2 or (version == 1 and "cpu" in options[-1].split(",")):
            _, _, _, top, mount, *_ = fields.split(" ")
            yield version, mount, top


def _groups(groups: list[str], version: int) -> Iterator[str]:
    """The groups of this process, from lines of number (0 in version 2), controllers, path."""
    for line in groups:
        number, controllers, path = line.split(":", 2)
        if (number == "0") if version == 2 else ("cpu" in controllers.split(",")):
            yield path


def _below(group: str, top: str) -> str:
    """A group's path as seen in a mount whose topmost group is ``top``."""
    inside = group.removeprefix(top.rstrip("/"))
    return inside.strip("/")


def _with_parents(mount: Path, group: str) -> Iterator[Path]:
    """A group's folder and those above it, which limit it too.

    A container may not see the group under the name it has outside, but only the mount.
    """
    folder = mount / group
    while folder != mount and mount in folder.parents:
        yield folder
        folder = folder.parent
    yield mount


def _quota(folder: Path, version: int) -> float | None:
    """Of a group: version 2 has "max 100000" or "150000 100000" (µs) in one file, 1 in two."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        values = [word for file in _FILES[version] for word in (folder / file).read_text().split()]
        quota, period = (int(value) for value in values)
        return quota / period if quota > 0 else None
    return None
