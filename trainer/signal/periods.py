"""What repeats in an image: the traces of upsampling. Beyond the paper."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.spectrum import dft_matrices


def high_pass(x: Tensor) -> Tensor:
    """(…, H, W) less the mean of the four neighbours, which are mirrored at the border."""
    tall = torch.cat([x[..., 1:2, :], x, x[..., -2:-1, :]], dim=-2)
    wide = torch.cat([x[..., 1:2], x, x[..., -2:-1]], dim=-1)
    vertical = tall[..., :-2, :] + tall[..., 2:, :]
    return x - (vertical + (wide[..., :-2] + wide[..., 2:])) * 0.25


class Periods(nn.Module):
    """Patterns that repeat every 16 px, as upsampling leaves them: (N, 3, n, n) -> (N, 6, 16, 9).

    A high-pass of each colour (0 to 2), and the log of its magnitude (3 to 5), are averaged
    over all 16×16 tiles; of the average, the DFT's log amplitude but for its mean. What does not
    repeat averages out, and a shift changes phases only. Periods 2, 4 and 8 are among the
    harmonics; n is a multiple of 64, the input as for `BlockDct`.

    Folding and DFT are one matrix.

    Equations: docs/method.md#periods.
    """

    def __init__(self, side: int = 128, period: int = 16) -> None:
        super().__init__()
        for name, half in (("rows", False), ("columns", True)):
            matrix = np.concatenate(dft_matrices(period, half=half)) / (side // period)
            folded = np.tile(matrix, side // period)
            self.register_buffer(name, torch.from_numpy(folded).float(), persistent=False)
        self.shape = (6, period, period // 2 + 1)
        varying = torch.ones(self.shape[1:])
        varying[0, 0] = 0  # the mean is no period
        self.register_buffer("varying", varying, persistent=False)

    def forward(self, colours: Tensor) -> Tensor:
        residual = high_pass(colours)
        tiles = residual.clamp(-8, 8).unflatten(-2, (-1, self.shape[1]))
        signed = self._power(tiles.sum(-3))
        magnitude = residual.abs() + 0.5
        for _ in range(2):  # rows of one phase meet: one logarithm for four
            magnitude = torch.mul(*magnitude.chunk(2, dim=-2))
        power = torch.cat([signed, self._power(torch.log(magnitude))], dim=1)
        return 0.5 * torch.log(power * self.varying + 1e-3)

    def _power(self, planes: Tensor) -> Tensor:
        rows = self.rows[:, : planes.shape[-2]]
        both = rows @ (planes @ self.columns.T)
        (real, b), (a, imaginary) = (half.chunk(2, dim=-1) for half in both.chunk(2, dim=-2))
        real, imaginary = real - imaginary, a + b
        return real * real + imaginary * imaginary
