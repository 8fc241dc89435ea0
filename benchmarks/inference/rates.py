"""How fast this processor has been seen to calculate, and the least time that leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper

from benchmarks.inference.arithmetic import Convolution, Product, Work

Shape = Convolution | Product

PAPERS: tuple[Shape, ...] = (
    Convolution((1, 64, 126, 126), (64, 64, 3, 3)),  # the denoiser
    Convolution((9, 64, 32, 32), (256, 64, 1, 1)),  # ResNet-50
    Convolution((9, 128, 18, 18), (128, 128, 3, 3)),
    Product((1536, 1536), (1536, 1536)),  # what a processor is best at
)
"""Shapes of the paper's pipeline."""


@dataclass(frozen=True)
class Rates:
    """10⁹ floating-point operations a second; a multiply-accumulate is two.

    Attributes:
        raised_by: how much faster something else ran than the shapes timed by themselves.
    """

    threads: int
    convolution: float
    product: float
    raised_by: float = 1.0

    def least_ms(self, work: Work) -> float:
        """Milliseconds that `work` takes at these rates."""
        return 2e-6 * (work.convolution / self.convolution + work.product / self.product)


@dataclass(frozen=True)
class Timed:
    """Something that ran: its median and shortest time, and what it calculated, if counted."""

    ms: float
    best_ms: float
    work: Work | None = None


def kernels(
    shapes: Iterable[Shape], threads: int, pool: ThreadPoolExecutor
) -> dict[tuple[Shape, str], Callable[[], object]]:
    """Each shape in ONNX Runtime, once on every thread at a time, and in PyTorch."""
    found: dict[tuple[Shape, str], Callable[[], object]] = {}
    rng = np.random.default_rng(0)
    for shape in shapes:
        a, b = (rng.random(sides, np.float32) for sides in _sides(shape))
        found[shape, "ONNX Runtime"] = _in_onnxruntime(shape, a, b, threads, pool)
        found[shape, "PyTorch"] = _in_torch(shape, torch.from_numpy(a), torch.from_numpy(b))
    return found


def rate_rows(best_ms: dict[tuple[Shape, str], float], threads: int) -> list[dict[str, Any]]:
    """The best rate of each kernel, ready for JSON, the fastest first."""
    rows = [
        {
            "threads": threads,
            "kind": "convolution" if isinstance(shape, Convolution) else "product",
            "shape": str(shape),
            "library": library,
            "gflops": 2e-6 * shape.work.macs * _copies(library, threads) / ms,
        }
        for (shape, library), ms in best_ms.items()
    ]
    return sorted(rows, key=lambda row: (row["kind"], -row["gflops"]))


def best_rates(rows: Sequence[dict[str, Any]], threads: int, seen: Iterable[Timed]) -> Rates:
    """The best convolution and the best product, raised to whatever was seen to run faster.

    So nothing that was measured took less than its least time.
    """
    best = {
        kind: max(row["gflops"] for row in rows if row["kind"] == kind)
        for kind in ("convolution", "product")
    }
    rates = Rates(threads, **best)
    timed = [(each.work, each.best_ms) for each in seen if each.work is not None]
    excess = max([1.0, *(rates.least_ms(work) / ms for work, ms in timed)])
    raised = Rates(threads, *(excess * value for value in best.values()), raised_by=excess)
    for work, ms in timed:
        assert raised.least_ms(work) <= ms * (1 + 1e-9), "a least time above a measured one"
    return raised


def _copies(library: str, threads: int) -> int:
    return threads if library == "ONNX Runtime" else 1


def _sides(shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (shape.x, shape.weight) if isinstance(shape, Convolution) else (shape.a, shape.b)


def _in_torch(shape: Shape, a: torch.Tensor, b: torch.Tensor) -> Callable[[], object]:
    @torch.inference_mode()
    def call() -> object:
        if isinstance(shape, Product):
            return a @ b
        groups = a.shape[1] // b.shape[1]
        return torch.nn.functional.conv2d(a, b, stride=shape.strides, groups=groups)

    return call


def _in_onnxruntime(
    shape: Shape, a: np.ndarray, b: np.ndarray, threads: int, pool: ThreadPoolExecutor
) -> Callable[[], object]:
    attributes = (
        {"strides": shape.strides, "group": a.shape[1] // b.shape[1]}
        if isinstance(shape, Convolution)
        else {}
    )
    operator = "Conv" if isinstance(shape, Convolution) else "MatMul"
    node = helper.make_node(operator, ["a", "b"], ["y"], **attributes)
    order = ("a", "b") if isinstance(shape, Convolution) or a.size > b.size else ("b", "a")
    given, constant = order
    values = {"a": a, "b": b}
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "kernel",
        [helper.make_tensor_value_info(given, kind, values[given].shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [onnx.numpy_helper.from_array(values[constant], constant)],
    )
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    bound = []
    for _ in range(threads):
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        binding = session.io_binding()  # no copy of what comes out
        binding.bind_ortvalue_input(given, onnxruntime.OrtValue.ortvalue_from_numpy(values[given]))
        binding.bind_output("y")
        bound.append((session, binding))
    return lambda: list(pool.map(lambda each: each[0].run_with_iobinding(each[1]), bound))
