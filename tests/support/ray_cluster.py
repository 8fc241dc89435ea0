"""A Ray cluster of this machine with two cores, as `ray start` makes it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 300  # for a busy machine; a quiet one takes ten


@dataclass(frozen=True)
class Cluster:
    """Environment of whoever uses it, and the process id of its first process."""

    environment: dict[str, str]
    head: int


@contextmanager
def ray_cluster() -> Iterator[Cluster]:
    """Start one; leave no process and no file of it."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # sockets have short names
    port, *others = _free_ports(6)
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "RAY_TMPDIR": folder,
        "RAY_ADDRESS": f"127.0.0.1:{port}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # or nothing moves on a busy machine
        "RAY_worker_register_timeout_seconds": str(_SECONDS),
    }
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    command += ["--node-ip-address", "127.0.0.1", "--port", str(port), "--num-cpus", "2"]
    command += ["--object-store-memory", str(100 * 2**20), "--include-dashboard", "false"]
    command += ["--include-log-monitor", "false", "--no-monitor", "--temp-dir", folder]
    command += ["--min-worker-port", "0", "--max-worker-port", "0"]
    # Of its own choice some would be those of every cluster.
    agents = (
        "metrics-export",
        "dashboard-agent-grpc",
        "dashboard-agent-listen",
        "runtime-env-agent",
    )
    for name, other in zip((*agents, "ray-client-server"), others, strict=True):
        command += [f"--{name}-port", str(other)]
    own = {name: value for name, value in environment.items() if name != "RAY_ADDRESS"}
    with tempfile.TemporaryFile("w+") as log, ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(_end, folder)
        head = subprocess.Popen(command, env=own, stdout=log, stderr=subprocess.STDOUT)
        stack.callback(head.wait)
        stack.callback(head.terminate)
        deadline = time.monotonic() + _SECONDS
        while "Ray runtime started" not in _read(log.fileno()):
            assert head.poll() is None, _read(log.fileno())
            assert time.monotonic() < deadline, _read(log.fileno())
            time.sleep(0.1)
        yield Cluster(environment, head.pid)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _read(file: int) -> str:
    return os.pread(file, 1 << 20, 0).decode()


def _end(folder: str) -> None:
    """Kill what outlives the cluster: what has its folder in the environment."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"RAY_TMPDIR={folder}\0".encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
