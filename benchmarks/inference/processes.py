"""Whole processes: cold start, import and peak memory. Imports nothing heavy itself."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.inference.turns import ratio

ROOT = Path(__file__).parents[2]

_MEMORY = {
    "import of NumPy and ONNX Runtime": "import numpy, onnxruntime",
    "ours, 1 image": "embed = fp.load(sys.argv[1], device='cpu').embed; embed(images[:1])",
    "ours, 64 images": "embed = fp.load(sys.argv[1], device='cpu').embed; embed(images * 8)",
    "import of PyTorch": "import torch",
    "paper's pipeline, 1 image": (
        "from benchmarks.inference.paper import PaperPipeline\n"
        "PaperPipeline().embed(load_image(images[0]).pixels)"
    ),
}
_RUNTIME = "python, import onnxruntime"
_VERIFY = """
import sys, fingerprint_sdk as fp
fp.load(sys.argv[1], device="cpu").verify(*sys.argv[2:])
"""
_HEADER = """
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from benchmarks.inference.processes import peak_mib
images = sys.argv[2:]
"""


def cold_starts(model: str, a: Path, b: Path, *, rounds: int) -> dict[str, Any]:
    """Wall and CPU milliseconds of a bare Python, of the imports and of verification.

    They are run in turn: medians, the best wall time, and the CPU time over that of
    `import onnxruntime`, round by round.
    """
    script = Path(sys.executable).with_name("fingerprint")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "fingerprint_sdk"]
    commands = {
        "python": [sys.executable, "-c", "pass"],
        _RUNTIME: [sys.executable, "-c", "import onnxruntime"],
        "python, import fingerprint_sdk": [sys.executable, "-c", "import fingerprint_sdk"],
        "python, fingerprint_sdk.verify": [sys.executable, "-c", _VERIFY, model, str(a), str(b)],
        "fingerprint verify": [*command, "verify", str(a), str(b), "--model", model],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(1 + rounds):
        for name, words in commands.items():
            times[name].append(_run(words))
    cpu = {name: [each[1] for each in times[name][1:]] for name in commands}
    return {
        name: {
            "wall_ms": 1e3 * statistics.median(wall for wall, _ in each[1:]),
            "best_wall_ms": 1e3 * min(wall for wall, _ in each[1:]),
            "cpu_ms": 1e3 * statistics.median(cpu[name]),
            "over_onnxruntime": ratio(cpu[name], cpu[_RUNTIME]),
        }
        for name, each in times.items()  # the first run fills the disk cache
    }


def peak_memory(model: str, images: list[Path]) -> dict[str, float]:
    """Peak resident memory, in MiB, of processes that embed PNG files."""
    found = {}
    for name, program in _MEMORY.items():
        words = [sys.executable, "-c", f"{_HEADER}{program}\nprint(peak_mib())", model]
        done = subprocess.run(
            [*words, *map(str, images)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        found[name] = float(done.stdout)
    return found


def peak_mib() -> float:
    """Peak resident memory of this process, in MiB."""
    try:
        # Not getrusage: on Linux it also counts what the parent held before exec.
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def _run(words: list[str]) -> tuple[float, float]:
    started = time.perf_counter()
    quiet = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}  # as the SDK sets it
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=quiet)
    with process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: `verify` says "different"
        raise RuntimeError(f"{words} failed: {said.decode(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime


def describe_command() -> dict[str, Any]:
    """The command line that makes these figures again, and the threads it found set."""
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        "command": " ".join(["python -m benchmarks.inference", *sys.argv[1:]]),
        "environment": {name: os.environ[name] for name in variables if name in os.environ},
    }
