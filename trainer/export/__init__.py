"""From a trained run to a published model: calibrate, export, describe, send."""

from trainer.export.onnx import (
    PARITY,
    FingerprintModel,
    ModelCard,
    export_onnx,
    onnx_embedder,
    parity,
    to_onnx,
)

__all__ = [
    "PARITY",
    "FingerprintModel",
    "ModelCard",
    "export_onnx",
    "onnx_embedder",
    "parity",
    "to_onnx",
]
