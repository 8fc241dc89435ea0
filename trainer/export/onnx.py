"""One ONNX file from a trained run: windows -> residual -> DFT -> extractor -> embedding."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Cohort, to_json
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.files import write_bytes, write_text
from fingerprint_sdk.zoo.golden import GOLDEN_VALUES, golden_picture
from trainer.graph import to_onnx
from trainer.signal.typicality import Typicality

log = logging.getLogger(__name__)

PARITY = 1e-4


@dataclass(frozen=True)
class ModelCard:
    """What a published model says of itself; becomes ONNX metadata and config.json."""

    name: str
    version: str
    license: str
    description: str
    recipe_hash: str
    calibration: dict[str, Any]
    cohort: Cohort
    constant: float = 0.0
    """See `fingerprint_sdk.embedding.image_embedding`."""


class FingerprintModel(nn.Module):
    """The whole path as one module: uint8 (N, 3, side, side) -> float32 (N, D), L2-normalised.

    The weights of `network`, which stays as it is, are rounded to half precision: a file half the
    size, and what is measured is what is shipped. Those of the signal are exact.

    Equations: docs/method.md#export.
    """

    def __init__(
        self, signal: nn.Module, network: nn.Module, typicality: Typicality | None = None
    ) -> None:
        super().__init__()
        self.signal, self.network, self.typicality = signal, _rounded(network), typicality

    def forward(self, windows: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        signals = self.signal(windows.float())
        embedding = nn.functional.normalize(self.network(signals), dim=1)
        if self.typicality is None:
            return embedding
        return embedding, self.typicality(self.network.standardised(signals))


def export_onnx(
    signal: nn.Module,
    network: nn.Module,
    card: ModelCard,
    out: Path,
    *,
    typicality: Typicality | None = None,
    side: int = 128,
) -> Path:
    """Write `out/model.onnx` and `out/config.json`; returns the ONNX file.

    The file is checked with ONNX Runtime against torch before it takes its place: a difference
    above 1e-4 raises RuntimeError and leaves what was there. A calibration that the SDK would not
    read raises ModelError, e.g. of an extractor that tells nothing apart.
    """
    import onnx

    # What the SDK would refuse, fails here.
    Calibration.from_json(json.dumps(card.calibration), card.cohort)
    model = FingerprintModel(signal, network, typicality).eval()
    names = ("embedding",) if typicality is None else ("embedding", "deviation")
    proto = to_onnx(model, side, names)
    embedding = proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    fixed = {
        "name": card.name,
        "version": card.version,
        "license": card.license,
        "recipe_hash": card.recipe_hash,
        "window_size": str(side),
        "embedding_size": str(embedding),
        "constant": repr(card.constant),
        "calibration": json.dumps(card.calibration, sort_keys=True),
        "cohort": to_json(card.cohort),
    }
    onnx.helper.set_model_props(proto, fixed)
    onnx.checker.check_model(proto)
    content = proto.SerializeToString()
    worst = parity(model, content, side)
    if not worst <= PARITY:
        raise RuntimeError(f"ONNX and torch differ by {worst:.2e}, more than {PARITY:.0e}")
    log.info("parity with torch: %.2e", worst)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "model.onnx"
    write_bytes(path, content)
    config = {
        "name": card.name,
        "version": card.version,
        "license": card.license,
        "description": card.description,
        "window_size": side,
        "embedding_size": embedding,
        "recipe_hash": card.recipe_hash,
        "files": {
            "model.onnx": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        },
        "golden": golden_numbers(content),
    }
    write_text(out / "config.json", json.dumps(config, indent=2) + "\n")
    return path


def golden_numbers(onnx_file: bytes) -> list[float]:
    """What `fingerprint models verify` compares elsewhere: the embedding of a fixed picture."""
    extractor = Extractor(onnx_file, "the exported model", device="cpu", threads=1)
    return [round(float(x), 6) for x in extractor.embed(golden_picture())[:GOLDEN_VALUES]]


@torch.no_grad()
def parity(model: nn.Module, onnx_file: bytes, side: int = 128) -> float:
    """Largest absolute difference of outputs between torch and ONNX Runtime, on 8 windows.

    Of the outputs that `model` has: a run alone measures no deviation.
    """
    session = _session(onnx_file)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, 3, side, side), dtype=np.uint8)
    ramp = np.linspace(0, 255, side)[:, None] * np.ones((1, side))
    smooth = np.stack([np.roll(ramp, 17 * i, axis=i % 2) for i in range(12)])
    smooth = smooth.reshape(4, 3, side, side) + rng.normal(0, 2, (4, 3, side, side))
    windows = np.concatenate([noise, np.clip(np.rint(smooth), 0, 255).astype(np.uint8)])
    ours = model(torch.from_numpy(windows))
    theirs = session.run(None, {"windows": windows})
    pairs = zip(ours if isinstance(ours, tuple) else (ours,), theirs, strict=False)
    return max(float(np.abs(one.numpy() - other).max()) for one, other in pairs)


def _session(onnx_file: bytes) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])


def _rounded(network: nn.Module) -> nn.Module:
    """A copy whose matrices hold only numbers of half precision; vectors are small and stay."""
    out = copy.deepcopy(network)
    with torch.no_grad():
        for weights in (*out.parameters(), *out.buffers()):
            if weights.ndim > 1 and weights.is_floating_point():
                weights.copy_(weights.half())
    return out
