"""What a figure was measured on, and the arithmetic this CPU can do at best."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("numpy", "pillow", "torch", "onnx", "typer")
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
_SIDE = 1536


def describe_machine() -> dict[str, Any]:
    """CPU, cores, load and versions, ready for JSON."""
    installed = {d.metadata["Name"].lower() for d in metadata.distributions()}
    packages = [name for name in (*_PACKAGES, *_RUNTIMES) if name in installed]
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def peak_gflops(threads: int, *, repeats: int = 7) -> float:
    """10⁹ floating-point operations a second of the best float32 matrix product of several.

    A multiply-accumulate counts as two operations. The best run, not the mean: it is to be a
    bound.
    """
    torch.set_num_threads(threads)
    a, b = torch.randn(2, _SIDE, _SIDE)
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * _SIDE**3 / best / 1e9


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    parts = [found.get("model name", ""), *(f"{k} {found[k]}" for k in _IDS if k in found)]
    return ", ".join(part for part in parts if part) or platform.machine()


_IDS = ("cpu family", "model", "stepping")
