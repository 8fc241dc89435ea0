"""The multiply-accumulates of a model, and the shapes that take the most of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import onnx

PARTS = ("denoiser", "DFT", "statistics", "network")


@dataclass(frozen=True)
class Work:
    """Multiply-accumulates in convolutions and in matrix products."""

    convolution: int = 0
    product: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.convolution + other.convolution, self.product + other.product)

    def __mul__(self, count: int) -> Work:
        return Work(self.convolution * count, self.product * count)

    @property
    def macs(self) -> int:
        return self.convolution + self.product


@dataclass(frozen=True)
class Convolution:
    """Without padding: x is (n, channels, h, w), weight (filters, channels a group, h, w)."""

    x: tuple[int, ...]
    weight: tuple[int, ...]
    strides: tuple[int, int] = (1, 1)

    @property
    def work(self) -> Work:
        sides = zip(self.x[2:], self.weight[2:], self.strides, strict=True)
        places = math.prod((side - size) // stride + 1 for side, size, stride in sides)
        return Work(convolution=self.x[0] * places * math.prod(self.weight))

    def __str__(self) -> str:
        return f"{_times(self.x)} with {_times(self.weight)}, stride {self.strides[0]}"


@dataclass(frozen=True)
class Product:
    """a @ b, leading axes broadcast."""

    a: tuple[int, ...]
    b: tuple[int, ...]

    @property
    def work(self) -> Work:
        leading = max(self.a[:-2], self.b[:-2], key=len)
        return Work(product=math.prod((*leading, self.a[-2], self.a[-1], self.b[-1])))

    def __str__(self) -> str:
        return f"{_times(self.a)} by {_times(self.b)}"


def model_work(model: Path, count: int) -> dict[str, Work]:
    """What each part of the ONNX model takes for `count` windows."""
    nodes, shapes = _graph(model, count)
    parts = assign_parts([node.op_type for node in nodes])
    totals = dict.fromkeys(PARTS, Work())
    for node, part in zip(nodes, parts, strict=True):
        if node.op_type in ("Conv", "MatMul", "Gemm"):
            weight = shapes[node.input[1]]
            terms = math.prod(weight[1:]) if node.op_type == "Conv" else shapes[node.input[0]][-1]
            macs = math.prod(shapes[node.output[0]]) * terms
            convolves = node.op_type == "Conv"
            totals[part] += Work(convolution=macs) if convolves else Work(product=macs)
    return totals


def largest(model: Path, count: int, most: int = 3) -> list[Convolution | Product]:
    """The model's largest convolutions and products on `count` windows, `most` of each."""
    nodes, shapes = _graph(model, count)
    found: dict[Convolution | Product, None] = {}
    for node in nodes:
        if node.op_type in ("Conv", "MatMul"):
            a, b = (tuple(shapes[name]) for name in node.input[:2])
            if node.op_type == "Conv":
                strides = {x.name: tuple(x.ints) for x in node.attribute}.get("strides", (1, 1))
                found[Convolution(a, b, strides)] = None
            else:
                found[Product(a, b)] = None
    kinds = [[x for x in found if isinstance(x, kind)] for kind in (Convolution, Product)]
    return [
        shape
        for kind in kinds
        for shape in sorted(kind, key=lambda shape: -shape.work.macs)[:most]
    ]


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


def _graph(model: Path, count: int) -> tuple[list[onnx.NodeProto], dict[str, list[int]]]:
    proto = onnx.load(model)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = count
    graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    } | {value.name: list(value.dims) for value in graph.initializer}
    return list(graph.node), shapes


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
