"""Where the time of one image goes."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from PIL import Image

from benchmarks.inference.arithmetic import PARTS, assign_parts, model_work
from benchmarks.inference.images import make_image
from benchmarks.inference.paper import PER_AXIS, PaperPipeline
from benchmarks.inference.rates import Rates, Timed
from benchmarks.inference.turns import Times, in_turn
from fingerprint_sdk.images import load_image, windows
from fingerprint_sdk.images.quality import assess

_WINDOWS_A_CALL = 4  # as the session of the SDK runs them on a CPU


@dataclass(frozen=True)
class Stage:
    """One step of ours and of the paper's pipeline, where they have it."""

    name: str
    threads: int
    ours: Timed
    paper: Timed | None

    def row(self, rates: Rates) -> dict[str, Any]:
        """Milliseconds, multiply-accumulates and least times, ready for JSON."""
        found: dict[str, Any] = {"stage": self.name, "threads": self.threads}
        for side, timed in (("ours", self.ours), ("paper", self.paper)):
            work = timed.work if timed else None
            found[f"{side}_ms"] = timed.ms if timed else None
            found[f"{side}_best_ms"] = timed.best_ms if timed else None
            found[f"{side}_macs"] = work.macs if work else None
            found[f"{side}_least_ms"] = rates.least_ms(work) if work else None
        return found


def time_stages(
    model: Path, paper: PaperPipeline, threads: int, *, pixels: int, rounds: int
) -> list[Stage]:
    """Ours on all windows of an image, the paper's on its nine."""
    torch.set_num_threads(threads)
    file = io.BytesIO()
    Image.fromarray(make_image(pixels, 0)).save(file, "PNG")
    image = load_image(file.getvalue())
    crops = windows(image.pixels)
    steps: dict[str, Callable[[], object]] = {
        "decode": lambda: load_image(file.getvalue()),
        "windows": lambda: windows(image.pixels),
        "quality": lambda: assess(image, crops),
    }
    ours = {name: _timed(times) for name, times in in_turn(steps, rounds=rounds).items()}
    theirs = {"decode": ours["decode"]} | _paper_parts(paper, image.pixels, rounds)
    profile, work = _profile(model, crops, threads, rounds), model_work(model, len(crops))
    for part in PARTS:
        each = profile[part]
        ours[part] = Timed(float(np.median(each)), min(each), work[part])
    return [Stage(name, threads, each, theirs.get(name)) for name, each in ours.items()]


def _profile(
    model: Path, crops: npt.NDArray[np.uint8], threads: int, rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each part of the model, round by round, by ONNX Runtime's own profiler.

    Threads share the windows and run at once; the time is the mean of their shares'.
    """
    shares = np.array_split(crops, min(threads, len(crops)))
    calls = [np.array_split(share, -(-len(share) // _WINDOWS_A_CALL)) for share in shares]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(shares)) as pool:
        sessions = [_profiled(model, f"{folder}/{i}") for i in range(len(shares))]

        def run(session: Any, batches: Sequence[npt.NDArray[np.uint8]]) -> None:
            for batch in batches:
                session.run(["embedding"], {"windows": batch})

        for _ in range(1 + rounds):
            list(pool.map(run, sessions, calls))
        files = [Path(session.end_profiling()) for session in sessions]
        each = [
            _by_part(json.loads(file.read_text()), len(batches), 1 + rounds)
            for file, batches in zip(files, calls, strict=True)
        ]
    return {
        part: [float(np.mean([found[part][i] for found in each])) for i in range(1, 1 + rounds)]
        for part in PARTS  # the first round warms up
    }


def _profiled(model: Path, prefix: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = prefix
    return onnxruntime.InferenceSession(model.read_bytes(), options, ["CPUExecutionProvider"])


def _by_part(events: list[dict[str, Any]], calls: int, rounds: int) -> dict[str, list[float]]:
    nodes = [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
    nodes.sort(key=lambda event: event["ts"])
    each = len(nodes) // (calls * rounds)
    totals = {part: [0.0] * rounds for part in PARTS}
    for call in range(calls * rounds):
        run = nodes[call * each : (call + 1) * each]
        parts = assign_parts([event["args"]["op_name"] for event in run])
        for event, part in zip(run, parts, strict=True):
            totals[part][call // calls] += event["dur"] / 1e3
    return totals


@torch.inference_mode()
def _paper_parts(
    paper: PaperPipeline, pixels: npt.NDArray[np.uint8], rounds: int
) -> dict[str, Timed]:
    x = torch.from_numpy(windows(pixels, PER_AXIS))
    residual = paper.denoise(x)
    spectrum = paper.transform(residual)
    # In inference mode on this thread only: so are the calls.
    calls: dict[str, Callable[[], object]] = {
        "windows": lambda: windows(pixels, PER_AXIS),
        "denoiser": lambda: paper.denoise(x),
        "DFT": lambda: paper.transform(residual),
        "network": lambda: paper.network(spectrum),
    }
    work = paper.work(len(x))
    return {
        name: _timed(times, work.get(name))
        for name, times in in_turn(calls, rounds=rounds).items()
    }


def _timed(times: Times, work: Any = None) -> Timed:
    return Timed(times.ms, times.best_ms, work)
