"""Cores are counted as the container grants them."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fingerprint_sdk.process.cores import cores, granted_time

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
DOCKER_V1 = "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
OTHERS = (
    "23 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)


@pytest.mark.parametrize(
    ("mounts", "groups", "files", "time"),
    [
        (V2, "0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        (V2, "0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        (V2, "0::/\n", {}, math.inf),
        (V2, "0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 0.5),
        (V2, "0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "300000 100000"}, 3.0),
        (V2, "0::/\n", {"cpu.max": "nonsense"}, math.inf),
        (V2, "0::/\n", {"cpu.max": "100000 0"}, math.inf),
        (
            V1,
            "5:cpuset:/x\n4:cpu,cpuacct:/x\n0::/\n",
            {",/x/cpu.cfs_quota_us": "250000", ",/x/cpu.cfs_period_us": "100000"},
            2.5,
        ),
        (
            V1,
            "4:cpu,cpuacct:/x\n",
            {",/x/cpu.cfs_quota_us": "-1", ",/x/cpu.cfs_period_us": "100000"},
            math.inf,
        ),
        (
            DOCKER_V1,
            "4:cpu:/docker/abc/inner\n",
            {"/cpu.cfs_quota_us": "100000", "/cpu.cfs_period_us": "50000"},
            2.0,
        ),
    ],
)
def test_quotas_of_both_versions_are_read(
    mounts: str, groups: str, files: dict[str, str], time: float, tmp_path: Path
) -> None:
    proc = tmp_path / "proc" / "self"
    proc.mkdir(parents=True)
    (proc / "cgroup").write_text(groups)
    (proc / "mountinfo").write_text(OTHERS + mounts)
    place = {V2: "", V1: "cpu,cpuacct/", DOCKER_V1: "cpu/"}[mounts]
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / place / name.lstrip(",").lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert granted_time(tmp_path) == time


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert granted_time(tmp_path) == math.inf
    assert cores() >= 1


def counted(preparation: str) -> tuple[int, int]:
    """Cores counted, and threads an extractor takes, in a process of its own."""
    program = (
        f"{preparation}\n"
        "from fingerprint_sdk.process.cores import cores\n"
        "import fingerprint_sdk as fp\n"
        "print(cores(), fp.load(device='cpu')._model.runner.session.threads)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100
    )
    one, other = done.stdout.split()
    return int(one), int(other)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_limits_the_threads() -> None:
    one = min(os.sched_getaffinity(0))
    assert counted(f"import os; os.sched_setaffinity(0, {{{one}}})") == (1, 1)


@contextlib.contextmanager
def group_of_one_core() -> Iterator[str]:
    """Preparation that puts a process into a new control group of one core's time."""
    v1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").exists()
    name = f"fingerprint-test-{os.getpid()}"
    folder = Path("/sys/fs/cgroup/cpu" if v1 else "/sys/fs/cgroup") / name
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")
    try:
        try:
            if v1:
                (folder / "cpu.cfs_quota_us").write_text("100000")
            else:
                (folder / "cpu.max").write_text("100000 100000")
        except OSError as error:
            pytest.skip(f"time cannot be limited here: {error}")
        yield f"import os; open({str(folder / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    finally:
        folder.rmdir()


@pytest.mark.skipif(cores() < 2, reason="one core anyway")
def test_a_containers_quota_limits_the_threads() -> None:
    with group_of_one_core() as preparation:
        assert counted(preparation) == (1, 1)
