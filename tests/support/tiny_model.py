"""A tiny but real ONNX model, and pictures by pretend generators.

The tiny model has the contract of a shipped one (uint8 windows in, unit embeddings out, all the
metadata, a calibration, a cohort) and is run in ONNX Runtime, so nothing here is mocked. It is no
good at attribution: its embedding is the log power of a 4x4 DCT filter bank, projected by a fixed
matrix. Pictures of one pretend generator score over 0.97, unprocessed ones of two up to 0.93.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from support.photographs import photograph

from fingerprint_sdk.embedding import embed_images
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, Usual, stored, to_json
from fingerprint_sdk.images.treatment import TREATMENTS

TINY_EMBEDDING_SIZE = 16
TINY_IMAGES = (1, 2, 5, 10)
TINY_WINDOWS = (1, 4)
TINY_DEVIATION_LIMIT = 9.0
"""Mean log power of a window's residual whose deviation is 1: that of white noise of deviation
40, about; pictures and photographs here stay below 0.9 of it."""

_STRICTER = dict(zip(TREATMENTS, (0.0, 0.004, 0.02, 0.02, 0.004, 0.02), strict=True))


def _condition(treatment: str, windows: int, images_a: int, images_b: int) -> dict[str, Any]:
    more = TINY_IMAGES.index(images_a) + TINY_IMAGES.index(images_b)
    higher = 0.001 * more + _STRICTER[treatment] + (0.002 if windows == 1 else 0.0)
    passed = {0.1: 0.90, 0.05: 0.93, 0.01: 0.95, 0.001: 0.97}
    # More images a side bring misses above thresholds: so five a side settle what one does not.
    missed = {0.01: 0.75, 0.05: 0.85, 0.1: 0.90, 0.5: 0.91}
    return {
        "treatment": treatment,
        "windows": windows,
        "images_a": images_a,
        "images_b": images_b,
        "thresholds": {str(rate): round(value + higher, 6) for rate, value in passed.items()},
        "misses": {str(rate): round(value + 0.014 * more, 6) for rate, value in missed.items()},
        "logistic": [60.0, -60.0 * (0.89 + higher)],
        "bounds": [0.02, 100.0],
    }


TINY_CALIBRATION: dict[str, Any] = {
    "format": 2,
    "default_fmr": 0.01,
    "default_fnmr": 0.05,
    "conditions": [
        _condition(treatment, windows, images_a, images_b)
        for treatment in TREATMENTS
        for windows in TINY_WINDOWS
        for images_a in TINY_IMAGES
        for images_b in TINY_IMAGES
        if images_a <= images_b
    ],
}
TINY_METADATA = {
    "name": "tiny",
    "version": "0.0.1",
    "license": "Apache-2.0",
    "recipe_hash": hashlib.sha256(b"tiny").hexdigest()[:16],
    "window_size": "128",
    "embedding_size": str(TINY_EMBEDDING_SIZE),
    "calibration": json.dumps(TINY_CALIBRATION),
}


def build_tiny_model(
    path: Path,
    *,
    seed: int = 0,
    metadata: dict[str, str] | None = None,
    deviation: bool = False,
) -> Path:
    """Write the tiny model to ``path``: another seed is another projection, so another model.

    Args:
        path: of the file.
        seed: of the projection.
        metadata: None for ``TINY_METADATA`` and a cohort of some processed photographs.
        deviation: whether it measures how far a window is from typical, see
            ``TINY_DEVIATION_LIMIT``.
    """
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
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 16])]
    if deviation:
        constants["limit"] = np.float32(TINY_DEVIATION_LIMIT)
        nodes.append(helper.make_node("Div", ["level", "limit"], ["deviation"]))
        outputs.append(helper.make_tensor_value_info("deviation", TensorProto.FLOAT, ["N", 1]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("windows", TensorProto.UINT8, ["N", 3, 128, 128])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if metadata is None:
        metadata = TINY_METADATA | {"cohort": to_json(_cohort(model.SerializeToString()))}
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def _cohort(model: bytes) -> Cohort:
    """Some photographs, processed, as the tiny model sees them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = [
        embed_images(
            lambda windows: session.run(["embedding"], {"windows": windows})[0],
            [np.asarray(process(photograph(index))) for index in range(4)],
        )
        for process in _PROCESSED.values()
    ]
    kinds = tuple(CohortKind(treatment, treatment, 4) for treatment in _PROCESSED)
    # Unprocessed pictures by pretend generators are less like it than that.
    usual = (Usual(1, 0.95, 0.005, 0.01),)
    return Cohort(stored(np.concatenate(rows)), kinds, 3, 1, 1.0, 0.0, usual)


def _jpeg(picture: Image.Image) -> Image.Image:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return Image.open(content)


_PROCESSED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "coarse": _jpeg,
    "resized": lambda picture: picture.resize((180, 160)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "other": lambda picture: picture.filter(ImageFilter.GaussianBlur(1)),
}


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
