"""How the coefficients of an image hang together: between colours, places and frequencies.

Beyond the paper, whose spectrum tells how strong each frequency is, and beyond
`CoefficientStatistics`, which tell how each is distributed. A decoder's last convolutions mix
colours and neighbouring pixels in a way of their own, and correlations do not depend on how strong
a frequency is in a picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_COLOUR_PAIRS = ((0, 1), (0, 2), (1, 2))
_FLOOR = 1e-4  # variance of a coefficient that is the same in every block


class Relations(nn.Module):
    """Correlations of 8×8 DCT coefficients: `BlockDct`'s (N, 3, 64, h, w) -> (N, 24, 8, 8).

    Over all blocks of a window, at each frequency: between two colours (0 to 2, and 3 to 5 of the
    log magnitudes), with the next block to the right and below of each colour (6 to 11, and 12 to
    17 of the log magnitudes), and of log magnitudes with the next horizontal and vertical
    frequency (18 to 23; 0 where there is none).
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape = (24, 8, 8)

    def forward(self, blocks: Tensor) -> Tensor:
        signed, magnitude = _standard(blocks), _standard(torch.log(blocks.abs() + 0.3))
        both = (signed, magnitude)
        found = [
            torch.stack([_mean(x[:, i] * x[:, j]) for i, j in _COLOUR_PAIRS], 1) for x in both
        ]
        for x in both:
            found += [_mean(x[..., :-1] * x[..., 1:]), _mean(x[..., :-1, :] * x[..., 1:, :])]
        grid = magnitude.unflatten(2, (8, 8))
        across = _mean(grid[:, :, :, :-1] * grid[:, :, :, 1:])
        down = _mean(grid[:, :, :-1] * grid[:, :, 1:])
        found = [x.reshape(-1, 3, 8, 8) for x in found]
        found += [functional.pad(across, (0, 1)), functional.pad(down, (0, 0, 0, 1))]
        return torch.cat(found, dim=1)


def _mean(x: Tensor) -> Tensor:
    return x.mean((-2, -1))


def _standard(x: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the blocks of a window, the last two axes."""
    centred = x - x.mean((-2, -1), keepdim=True)
    return centred / (centred.square().mean((-2, -1), keepdim=True) + _FLOOR).sqrt()
