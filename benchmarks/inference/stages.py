"""Where the time of one image goes, beside the least time the CPU's arithmetic would need."""

from __future__ import annotations

import io
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

from benchmarks.inference.paper import PER_AXIS, PaperPipeline
from benchmarks.inference.speed import make_image
from fingerprint_sdk.images import load_image, windows
from fingerprint_sdk.images.quality import assess

PARTS = ("denoiser", "DFT", "statistics", "network")


def time_stages(
    model: Path, paper: PaperPipeline, threads: int, gflops: float, *, pixels: int, rounds: int
) -> list[dict[str, Any]]:
    """One row a stage: milliseconds of ours and the paper's, multiply-accumulates and floors."""
    torch.set_num_threads(threads)
    file = io.BytesIO()
    Image.fromarray(make_image(pixels, 0)).save(file, "PNG")
    image = load_image(file.getvalue())
    crops = windows(image.pixels)
    ours = {
        "decode": _median(lambda: load_image(file.getvalue()), 3 * rounds),
        "windows": _median(lambda: windows(image.pixels), 3 * rounds),
        "quality": _median(lambda: assess(image, crops), 3 * rounds),
    }
    theirs = {name: ours[name] for name in ("decode", "windows")}
    ours |= _profile(model, crops, threads, 3 * rounds)
    theirs |= _paper_parts(paper, windows(image.pixels, PER_AXIS), rounds)
    ours_macs, theirs_macs = model_macs(model, len(crops)), paper.macs()
    return [
        {
            "stage": stage,
            "threads": threads,
            "ours_ms": ours[stage],
            "ours_macs": ours_macs.get(stage),
            "ours_floor_ms": _floor(ours_macs.get(stage), gflops),
            "paper_ms": theirs.get(stage),
            "paper_macs": theirs_macs.get(stage),
            "paper_floor_ms": _floor(theirs_macs.get(stage), gflops),
        }
        for stage in ours
    ]


def model_macs(model: Path, count: int) -> dict[str, int]:
    """Multiply-accumulates of each part of the ONNX model for `count` windows."""
    proto = onnx.load(model)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = count
    graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    } | {value.name: list(value.dims) for value in graph.initializer}
    parts = assign_parts([node.op_type for node in graph.node])
    totals = dict.fromkeys(PARTS, 0)
    for node, part in zip(graph.node, parts, strict=True):
        if node.op_type in ("Conv", "MatMul", "Gemm"):
            weight = shapes[node.input[1]]
            terms = math.prod(weight[1:]) if node.op_type == "Conv" else shapes[node.input[0]][-1]
            totals[part] += math.prod(shapes[node.output[0]]) * terms
    return totals


def assign_parts(operators: list[str]) -> list[str]:
    """The part of each operator, in order of execution.

    The denoiser is the longest chain of convolutions. The spectra follow it and end with a
    logarithm. Logarithms elsewhere are the statistics'; the network follows the last logarithm or
    mean.
    """
    logarithms = [i for i, name in enumerate(operators) if name == "Log"]
    chains: list[list[int]] = [[]]
    for i, name in enumerate(operators[: logarithms[-1]]):
        if "Conv" in name:
            chains[-1].append(i)
        elif name != "Relu" and "Reorder" not in name:
            chains.append([])
    denoiser = max(chains, key=len)
    spectrum = next(i for i in logarithms if i > denoiser[-1])
    before = "statistics" if logarithms[0] < denoiser[0] else "denoiser"
    parts = [before] * denoiser[0] + ["denoiser"] * (denoiser[-1] + 1 - denoiser[0])
    last = max(i for i, name in enumerate(operators) if name in ("Log", "ReduceMean"))
    parts += ["DFT"] * (spectrum - denoiser[-1]) + ["statistics"] * (last - spectrum)
    return parts + ["network"] * (len(operators) - len(parts))


def _profile(model: Path, crops: np.ndarray, threads: int, rounds: int) -> dict[str, float]:
    """Milliseconds of each part of the model, by ONNX Runtime's own profiler.

    Threads share the windows, so the time is that of one thread's share.
    """
    share = np.array_split(crops, threads)[0]
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(
            model.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        for _ in range(1 + rounds):
            session.run(["embedding"], {"windows": share})
        events = json.loads(Path(session.end_profiling()).read_text())
    nodes = [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
    nodes.sort(key=lambda event: event["ts"])
    each = len(nodes) // (1 + rounds)
    totals: dict[str, list[float]] = {part: [] for part in PARTS}
    for start in range(each, each * (1 + rounds), each):  # the first run warms up
        run = nodes[start : start + each]
        parts = assign_parts([event["args"]["op_name"] for event in run])
        for part in PARTS:
            micro = sum(e["dur"] for e, p in zip(run, parts, strict=True) if p == part)
            totals[part].append(micro / 1e3)
    return {part: statistics.median(values) for part, values in totals.items()}


@torch.inference_mode()
def _paper_parts(paper: PaperPipeline, crops: np.ndarray, rounds: int) -> dict[str, float]:
    x = torch.from_numpy(crops)
    residual = paper.denoise(x)
    spectrum = paper.transform(residual)
    return {
        "denoiser": _median(lambda: paper.denoise(x), rounds),
        "DFT": _median(lambda: paper.transform(residual), rounds),
        "network": _median(lambda: paper.network(spectrum), rounds),
    }


def _median(call: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def _floor(macs: int | None, gflops: float) -> float | None:
    return None if macs is None else 2 * macs / gflops / 1e6
