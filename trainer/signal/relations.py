"""How the coefficients of an image hang together: between colours, and between places.

Beyond the paper, whose spectrum tells how strong each frequency is, and beyond
`CoefficientStatistics`, which tell how each is distributed. A decoder's last convolutions mix
colours and neighbouring pixels in a way of their own, and correlations do not depend on how strong
a frequency is in a picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_COLOUR_PAIRS = ((0, 1), (0, 2), (1, 2))
_FLOOR = 1e-4  # variance of a coefficient that is the same in every block


class Relations(nn.Module):
    """Correlations of 8×8 DCT coefficients -> (N, 18, 8, 8).

    Takes `BlockDct`'s blocks (N, 3, 64, side, side) and their `log_magnitude`. Over all blocks of
    a window, at each frequency: between two colours (0 to 2 of the coefficients, 9 to 11 of the
    magnitudes), with the next block to the right (3 to 5, 12 to 14) and below (6 to 8, 15 to 17)
    of each colour. The next block is half a block away.

    Equations: docs/method.md#relations.
    """

    def __init__(self, side: int = 31) -> None:
        super().__init__()
        self.shape = (18, 8, 8)
        self.register_buffer("next", torch.eye(side).roll(1, 0).tril(), persistent=False)
        self.scale = side / (side - 1)  # the last block has no next one

    def forward(self, blocks: Tensor, magnitudes: Tensor) -> Tensor:
        found = []
        for numbers in (blocks, magnitudes):
            x = numbers - numbers.mean((-2, -1), keepdim=True)
            deviation = (_mean(x * x) + _FLOOR).sqrt()
            for i, j in _COLOUR_PAIRS:
                found.append(_mean(x[:, i] * x[:, j]) / (deviation[:, i] * deviation[:, j]))
            # Products with a constant matrix: ONNX Runtime moves a tensor by one place no faster.
            for moved in (x @ self.next, self.next.T @ x):
                found += (_mean(x * moved) * self.scale / deviation.square()).unbind(1)
        return torch.stack(found, dim=1).reshape(-1, *self.shape)


def _mean(x: Tensor) -> Tensor:
    return x.mean((-2, -1))
