"""What the tests of signals share: a stand-in for a residual, and ONNX Runtime on a module."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn


class Centre(nn.Module):
    """The inner pixels of an image, on the scale of [0, 255], in place of a residual."""

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, x: Tensor) -> Tensor:
        return self.of_levels(255.0 * x)

    def of_levels(self, levels: Tensor) -> Tensor:
        m = self.margin
        return levels[..., m : levels.shape[-2] - m, m : levels.shape[-1] - m]


def run_onnx(module: nn.Module, inputs: np.ndarray, path: Path) -> np.ndarray:
    """What ONNX Runtime makes of `module` on `inputs`, exported with a batch of another size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.from_numpy(inputs[:2]),),
            path,
            dynamo=True,
            opset_version=18,
            input_names=["x"],
            output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            external_data=False,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": inputs})[0]
