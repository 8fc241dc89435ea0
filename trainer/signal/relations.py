"""How the coefficients of an image hang together: between colours, and between places.

Beyond the paper, whose spectrum tells how strong each frequency is, and beyond
`CoefficientStatistics`, which tell how each is distributed. A decoder's last convolutions mix
colours and neighbouring pixels in a way of their own, and correlations do not depend on how strong
a frequency is in a picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

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
        self.side = side
        self.register_buffer("next_colour", torch.tensor([1, 2, 0]), persistent=False)
        self.register_buffer("colour_pairs", torch.tensor([0, 2, 1]), persistent=False)

    def forward(self, blocks: Tensor, magnitudes: Tensor) -> Tensor:
        found = [part for numbers in (blocks, magnitudes) for part in self._correlations(numbers)]
        return torch.cat(found, dim=1).reshape(-1, *self.shape)

    def _correlations(self, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = numbers - numbers.mean((-2, -1), keepdim=True)
        power = _mean(x * x)
        variance = power + _FLOOR
        deviation = variance.sqrt()
        # Of colours 0 and 1, 1 and 2, 2 and 0; then in the order of the equations.
        together = _mean(x * x.index_select(1, self.next_colour))
        colours = together / (deviation * deviation.index_select(1, self.next_colour))
        right, below = (self._with_next(x, power, pair) / variance for pair in ((1, 2), (2, 1)))
        return colours.index_select(1, self.colour_pairs), right, below

    def _with_next(self, x: Tensor, power: Tensor, pair: tuple[int, int]) -> Tensor:
        """Mean product of blocks with the next one, from averages of `pair` (rows, columns).

        With zeros beyond either end, the sum of squared averages is half of the sum of x² and of
        the products. ONNX Runtime averages in a layout of its own, in less time than it takes to
        cut two slices and multiply them, or to move blocks by a product with a matrix.
        """
        averages = functional.avg_pool2d(x.flatten(1, 2), pair, 1, (pair[0] // 2, pair[1] // 2))
        squares = averages * averages
        mean = functional.avg_pool2d(squares, squares.shape[-2:]).reshape(power.shape)
        # Of side + 1 averages, side numbers, and side - 1 products, along the pairs.
        return (2 * (self.side + 1) * mean - self.side * power) / (self.side - 1)


def _mean(x: Tensor) -> Tensor:
    return x.mean((-2, -1))
