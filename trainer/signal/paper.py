"""The paper's signal: the spectrum of the residual as it is (III-C)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from trainer.signal.dft import DftPower


class PaperSpectrum(nn.Module):
    """The paper's signal: |DFT| of each residual channel, no shift, no logarithm, 94 -> 128 px.

    (N, 3, 128, 128) in [0, 255] -> float32 (N, 3, 128, 128).

    Equations: docs/method.md#paper.
    """

    def __init__(self, denoiser: nn.Module, side: int = 128) -> None:
        super().__init__()
        self.denoiser = denoiser
        n = side - 2 * denoiser.margin
        self.n = n
        self.power = DftPower(n)
        # Whole numbers: a resize operator's scale rounds, so torch and ONNX Runtime would differ.
        nearest = torch.from_numpy(np.arange(side) * n // side)
        self.register_buffer("nearest", nearest, persistent=False)
        self.shape = (3, side, side)
        self.parts = {"residual": self.shape}

    def forward(self, windows: Tensor) -> Tensor:
        power = self.power(self.denoiser(windows.float() / 255.0))
        # Mirror the half spectrum: F(-u, -v) is the conjugate of F(u, v).
        inner = power[..., 1 : (self.n + 1) // 2].flip((-1, -2)).roll(1, -2)
        magnitude = torch.cat([power, inner], dim=-1).sqrt()
        return magnitude.index_select(-2, self.nearest).index_select(-1, self.nearest)
