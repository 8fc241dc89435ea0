"""From a trained run to a published model: calibrate, export, describe, send."""

from trainer.export.onnx import (
    PARITY,
    FingerprintModel,
    ModelCard,
    export_onnx,
    parity,
)

__all__ = [
    "PARITY",
    "FingerprintModel",
    "ModelCard",
    "export_onnx",
    "parity",
]
