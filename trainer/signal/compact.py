"""The compact model's signal: five parts of each window, 8,016 numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainer.signal.blocks import BlockDct, log_magnitude
from trainer.signal.coefficients import CoefficientStatistics
from trainer.signal.periods import Periods
from trainer.signal.relations import Relations
from trainer.signal.spectra import LogSpectrum


class CompactSignal(nn.Module):
    """The compact model's signal: each window's spectra, coefficients, periods and relations.

    uint8 or float (N, 3, 128, 128) in [0, 255] -> float32 (N, L), the flattened `parts` in their
    order: `residual` and `image` are the two halves of `LogSpectrum`.

    Equations: docs/method.md#signal.
    """

    def __init__(self, denoiser: nn.Module, side: int = 128) -> None:
        super().__init__()
        self.spectrum = LogSpectrum(denoiser, side)
        self.blocks, self.coefficients = BlockDct(), CoefficientStatistics()
        self.periods, self.relations = Periods(side), Relations(self.blocks.across(side))
        _, rows, columns = self.spectrum.shape
        self.parts = {
            "residual": (3, rows, columns),
            "image": (3, rows, columns),
            "coefficients": self.coefficients.shape,
            "periods": self.periods.shape,
            "relations": self.relations.shape,
        }
        self.shape = (sum(math.prod(shape) for shape in self.parts.values()),)

    def forward(self, windows: Tensor) -> Tensor:
        images = windows.float()
        colours = self.spectrum.opponent(images)
        blocks = self.blocks(colours)
        magnitudes = log_magnitude(blocks)
        found = (
            self.spectrum.spectra(images, colours),
            self.coefficients(blocks, magnitudes),
            self.periods(colours),
            self.relations(blocks, magnitudes),
        )
        return torch.cat([part.flatten(1) for part in found], dim=1)
