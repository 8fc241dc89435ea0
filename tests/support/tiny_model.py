"""A tiny but real ONNX model, and pictures by pretend generators.

The tiny model has the contract of a shipped one (uint8 windows in, unit embeddings out, all the
metadata, a calibration) and is run in ONNX Runtime, so nothing here is mocked. It is no good at
attribution: its embedding is the log power of a 4x4 DCT filter bank, projected by a fixed matrix.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

TINY_EMBEDDING_SIZE = 16
TINY_CALIBRATION: dict[str, Any] = {
    "default_fmr": 0.01,
    "conditions": [
        {
            "images_a": images_a,
            "images_b": images_b,
            "recompressed": recompressed,
            "thresholds": {
                str(fmr): round(value + bonus + (0.004 if recompressed else 0.0), 6)
                for fmr, value in {0.1: 0.90, 0.05: 0.93, 0.01: 0.95, 0.001: 0.97}.items()
            },
            "logistic": [80.0, -80.0 * (0.94 + bonus)],
        }
        for images_a, images_b, bonus in [(1, 1, 0.0), (1, 10, 0.002), (5, 5, 0.004)]
        for recompressed in (False, True)
    ],
}
TINY_METADATA = {
    "name": "tiny",
    "version": "0.0.1",
    "license": "Apache-2.0",
    "recipe_hash": hashlib.sha256(b"tiny").hexdigest()[:16],
    "window_size": "128",
    "embedding_size": str(TINY_EMBEDDING_SIZE),
    "threshold": "0.95",
    "calibration": json.dumps(TINY_CALIBRATION),
}


def build_tiny_model(path: Path, *, seed: int = 0, metadata: dict[str, str] | None = None) -> Path:
    """Write the tiny model to ``path``: another seed is another projection, so another model."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    n = np.arange(4)
    basis = np.cos(np.pi * (2 * n[None, :] + 1) * n[:, None] / 8)
    bank = np.einsum("ai,bj->abij", basis, basis).reshape(16, 1, 4, 4)[1:]  # no DC: high-pass
    filters = np.tile(bank, (3, 1, 1, 1)).astype(np.float32)  # 15 filters for each channel
    size = filters.shape[0]
    rng = np.random.default_rng(seed)
    constants = {
        "filters": filters,
        "floor": np.float32(1e-3),
        "projection": rng.standard_normal((size, TINY_EMBEDDING_SIZE)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["windows"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["pixels", "filters"], ["residual"], group=3),
        helper.make_node("Mul", ["residual", "residual"], ["power"]),
        helper.make_node("ReduceMean", ["power"], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["pooled", "floor"], ["floored"]),
        helper.make_node("Log", ["floored"], ["log_power"]),
        helper.make_node("ReduceMean", ["log_power"], ["level"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["log_power", "level"], ["shape"]),
        helper.make_node("MatMul", ["shape", "projection"], ["projected"]),
        helper.make_node("LpNormalization", ["projected"], ["embedding"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("windows", TensorProto.UINT8, ["N", 3, 128, 128])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 16])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, TINY_METADATA if metadata is None else metadata)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def synthetic_image(source: int, index: int, height: int = 200, width: int = 260) -> np.ndarray:
    """A picture by pretend generator ``source``: smooth content plus that source's own texture.

    Returns uint8 (height, width, 3). The texture's spectrum depends on ``source`` only.
    """
    rng = np.random.default_rng([source, index])
    y, x = np.mgrid[0:height, 0:width]
    phase = rng.uniform(0, 2 * np.pi, (3, 2))
    content = np.stack(
        [128 + 60 * np.sin(x / 40 + p) * np.cos(y / 50 + q) for p, q in phase], axis=-1
    )
    kernel = np.random.default_rng([source]).standard_normal((3, 3))
    kernel /= np.abs(kernel).sum()
    noise = rng.standard_normal((height + 2, width + 2, 3)) * 12
    texture = sum(
        kernel[i, j] * noise[i : i + height, j : j + width] for i in range(3) for j in range(3)
    )
    return np.clip(np.rint(content + texture), 0, 255).astype(np.uint8)
