"""How coefficients are distributed, which a power spectrum averages away.

Computed of the image itself. Recompression flattens the high frequencies of a residual; how sparse
the coefficients are at each frequency survives it. Beyond the paper, which sees the residual's
spectrum alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_FLOOR = 0.05  # grey levels; under what rounding to 8 bits leaves


class CoefficientStatistics(nn.Module):
    """Distribution of the 8×8 DCT coefficients of a window -> (N, 15, 8, 8).

    Takes `BlockDct`'s blocks and their `log_magnitude`. Of each colour and frequency, over all
    blocks: the logarithm of the root mean square and of the mean magnitude, the mean logarithm of
    the magnitude, and two smooth counts of coefficients near zero (half at 0.7 and 2.4 grey
    levels).

    Equations: docs/method.md#coefficients.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape = (15, 8, 8)

    def forward(self, blocks: Tensor, magnitudes: Tensor) -> Tensor:
        square = blocks * blocks
        # A sixth of the equation's, which takes one product less for each coefficient. An
        # exponential would take as long as all the rest.
        wide = 1 / (6 + square)
        fourth = (wide * wide) * (wide * wide)
        statistics = [
            0.5 * torch.log(_mean(square) + _FLOOR),
            torch.log(_mean(blocks.abs()) + _FLOOR),
            _mean(magnitudes),
            _mean(fourth * fourth) * 6.0**8,
            _mean(wide) * 6.0,
        ]
        return torch.stack(statistics, dim=2).reshape(-1, *self.shape)


def _mean(x: Tensor) -> Tensor:
    """Over all blocks of a window, the last two axes."""
    # Written as `Relations` does, so that ONNX Runtime takes the magnitudes' mean once.
    return x.mean((-2, -1), keepdim=True).flatten(2)
