"""A torch module as an ONNX graph, and what ONNX Runtime makes of windows by it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from fingerprint_sdk.runtime import open_session

OPSET, IR_VERSION = 20, 9  # Gelu in one operator; old enough for ONNX Runtime 1.20
_LARGE = 4096  # numbers in a tensor


def to_onnx(model: nn.Module, side: int, outputs: Sequence[str] = ("embedding",)) -> Any:
    """`model`, or its signal alone, as an ONNX proto with a free batch size, without metadata."""
    windows = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        program = torch.onnx.export(
            model,
            (windows,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["windows"],
            output_names=list(outputs),
            dynamic_shapes={"windows": {0: torch.export.Dim("N", min=1)}},
            external_data=False,
            verbose=False,
        )
    proto = program.model_proto
    proto.ir_version = min(proto.ir_version, IR_VERSION)
    _strip_notes(proto)
    _halve(proto.graph)
    return proto


def onnx_embedder(
    model: nn.Module, side: int = 128, *, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """What ONNX Runtime makes of uint8 (N, 3, side, side) windows, run as the SDK runs it.

    `model` is a whole `FingerprintModel`, or a signal alone. In half of the time that torch takes,
    and bit for bit the same in each run.

    Args:
        model: what is run; a later change of it changes nothing.
        side: of the windows, px.
        threads: that share the windows; None for one on each core. With 1, the result may be
            called from several threads at once.
    """
    content = to_onnx(model.eval(), side).SerializeToString()
    return open_session(content, type(model).__name__, device="cpu", threads=threads).run


def _halve(graph: Any) -> None:
    """Store large tensors that lose nothing by it in half precision; a cast gives them back.

    ONNX Runtime casts once, when it loads the file.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        full = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = full.astype(np.float16)
        if full.size < _LARGE or not np.array_equal(half, full):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _strip_notes(proto: Any) -> None:
    """Drop the exporter's notes on nodes and tensors.

    They hold stack traces with the paths of the machine, and IR 9 knows no such field.
    """
    graph = proto.graph
    parts = [*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for part in (proto, graph, *parts):
        part.doc_string = ""
        part.ClearField("metadata_props")
