"""What a power spectrum averages away: how coefficients are distributed, and what is periodic.

Both are computed of the image itself, in luma and two opponent colours. Recompression flattens the
high frequencies of a residual; how sparse the coefficients are at each frequency survives it.
Beyond the paper, which sees the residual's spectrum alone.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fingerprint_sdk.spectrum import dft_matrices

COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Luma and two opponent colours, orthonormal."""
_BLOCK = 8
_STRIDE = 4  # the blocks of a JPEG file, and those halfway between them
_FLOOR = 0.05  # grey levels; under what rounding to 8 bits leaves


def high_pass(x: Tensor) -> Tensor:
    """(…, H, W) less the mean of the four neighbours, which are mirrored at the border."""
    tall = torch.cat([x[..., 1:2, :], x, x[..., -2:-1, :]], dim=-2)
    wide = torch.cat([x[..., 1:2], x, x[..., -2:-1]], dim=-1)
    vertical = tall[..., :-2, :] + tall[..., 2:, :]
    return x - (vertical + (wide[..., :-2] + wide[..., 2:])) * 0.25


class BlockDct(nn.Module):
    """8×8 DCT (orthonormal) of overlapping blocks: colours (N, 3, n, n) -> (N, 3, 64, h, w).

    A block starts every 4 px; its frequencies are in reading order, row 0 vertical frequency 0.
    The input is float32 colours about 0, in grey levels. Windows start on multiples of 8 px
    (`fingerprint_sdk.images.window_positions`), so every other block is one that JPEG knows, or
    that a decoder which enlarges eightfold made of one place of its latent: numbers of one phase
    scatter less than those of all phases together.
    """

    def __init__(self) -> None:
        super().__init__()
        frequency, place = np.mgrid[:_BLOCK, :_BLOCK]
        dct = np.cos(np.pi * frequency * (2 * place + 1) / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
        dct[0] /= np.sqrt(2)
        kernels = np.einsum("ui,vj->uvij", dct, dct).reshape(_BLOCK**2, 1, _BLOCK, _BLOCK)
        self.register_buffer("kernels", torch.from_numpy(kernels).float(), persistent=False)

    @staticmethod
    def across(side: int) -> int:
        """How many blocks there are on an axis of `side` px."""
        return (side - _BLOCK) // _STRIDE + 1

    def forward(self, colours: Tensor) -> Tensor:
        planes = colours.flatten(0, 1)[:, None]
        return functional.conv2d(planes, self.kernels, stride=_STRIDE).unflatten(0, (-1, 3))


def log_magnitude(blocks: Tensor) -> Tensor:
    """Logarithm of the magnitude of coefficients, level under what rounding to 8 bits leaves."""
    return torch.log(blocks.abs() + 0.3)


class CoefficientStatistics(nn.Module):
    """Distribution of the 8×8 DCT coefficients of a window -> (N, 15, 8, 8).

    Takes `BlockDct`'s blocks and their `log_magnitude`. Of each colour and frequency, over all
    blocks: the logarithm of the root mean square and of the mean magnitude, the mean logarithm of
    the magnitude, and two smooth counts of coefficients near zero (half at 0.7 and 2.4 grey
    levels).
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape = (15, _BLOCK, _BLOCK)

    def forward(self, blocks: Tensor, magnitudes: Tensor) -> Tensor:
        square = blocks * blocks
        wide = 1 / (1 + square * (1 / 6))  # an exponential would take as long as all the rest
        fourth = (wide * wide) * (wide * wide)
        statistics = [
            0.5 * torch.log(_mean(square) + _FLOOR),
            torch.log(_mean(blocks.abs()) + _FLOOR),
            _mean(magnitudes),
            _mean(fourth * fourth),
            _mean(wide),
        ]
        return torch.stack(statistics, dim=2).reshape(-1, *self.shape)


class Periods(nn.Module):
    """Patterns that repeat every 16 px, as upsampling leaves them: (N, 3, n, n) -> (N, 6, 16, 9).

    A high-pass of each colour (0 to 2), and the log of its magnitude (3 to 5), are averaged
    over all 16×16 tiles; of the average, the DFT's log amplitude but for its mean. What does not
    repeat averages out, and a shift changes phases only. Periods 2, 4 and 8 are among the
    harmonics; n is a multiple of 64, the input as for `BlockDct`.

    Folding and DFT are one matrix.
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
        signed = self._power(residual.clamp(-8, 8))
        magnitude = residual.abs() + 0.5
        for _ in range(2):  # rows of one phase meet: one logarithm for four
            magnitude = torch.mul(*magnitude.chunk(2, dim=-2))
        power = torch.cat([signed, self._power(torch.log(magnitude))], dim=1)
        return 0.5 * torch.log(power * self.varying + 1e-3)

    def _power(self, planes: Tensor) -> Tensor:
        rows = self.rows[:, : planes.shape[-2]]
        both = rows @ (planes @ self.columns.T)
        (real, b), (a, imaginary) = (half.chunk(2, dim=-1) for half in both.chunk(2, dim=-2))
        return (real - imaginary).square() + (a + b).square()


def _mean(x: Tensor) -> Tensor:
    """Over all blocks of a window, the last two axes."""
    return x.mean((-2, -1))
