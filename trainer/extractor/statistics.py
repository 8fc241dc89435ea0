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
TRAINED_STRIDE, EXPORTED_STRIDE = 5, 7
"""Pixels between blocks. Both are prime to 8: every phase of a grid of 8 px is met, so a crop
changes little. At 7, half the work, the statistics have the same expectation and some more noise.
"""
_FLOOR = 0.05  # grey levels; under what rounding to 8 bits leaves


class CoefficientStatistics(nn.Module):
    """Distribution of the 8×8 DCT coefficients of a window: (N, 3, n, n) -> (N, 15, 8, 8).

    Of each colour and frequency, over blocks every `stride` px: the logarithm of the root mean
    square and of the mean magnitude, the mean logarithm of the magnitude, and two smooth counts of
    coefficients near zero (under about 0.7 and 2.5 grey levels). The input is float32 colours
    about 0, in grey levels.
    """

    def __init__(self, stride: int = TRAINED_STRIDE) -> None:
        super().__init__()
        self.stride = stride
        frequency, place = np.mgrid[:_BLOCK, :_BLOCK]
        dct = np.cos(np.pi * frequency * (2 * place + 1) / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
        dct[0] /= np.sqrt(2)
        kernels = np.einsum("ui,vj->uvij", dct, dct).reshape(_BLOCK**2, 1, _BLOCK, _BLOCK)
        self.register_buffer("kernels", torch.from_numpy(kernels).float(), persistent=False)
        self.shape = (15, _BLOCK, _BLOCK)

    def forward(self, colours: Tensor) -> Tensor:
        planes = colours.flatten(0, 1)[:, None]
        blocks = functional.conv2d(planes, self.kernels, stride=self.stride).flatten(2)
        square, magnitude = blocks * blocks, blocks.abs()
        wide = torch.exp(square * (-1 / 6))
        fourth = (wide * wide) * (wide * wide)
        narrow = fourth * fourth * fourth  # exp(-2 square), without another exponential
        statistics = [
            0.5 * torch.log(square.mean(-1) + _FLOOR),
            torch.log(magnitude.mean(-1) + _FLOOR),
            torch.log(magnitude + 0.3).mean(-1),
            narrow.mean(-1),
            wide.mean(-1),
        ]
        return torch.stack(statistics, dim=1).reshape(-1, *self.shape)


class Periods(nn.Module):
    """Patterns that repeat every 16 px, as upsampling leaves them: (N, 3, n, n) -> (N, 6, 16, 9).

    A high-pass of each colour (0 to 2), and the logarithm of its magnitude (3 to 5), are averaged
    over all 16×16 tiles; of the average, the DFT's log amplitude but for its mean. What does not
    repeat averages out, and a shift changes phases only. Periods 2, 4 and 8 are among the
    harmonics; n is a multiple of 16, the input as for `CoefficientStatistics`.

    All of it is products with constant matrices: the high-pass is the identity less a quarter of
    the neighbours along either side, and folding and DFT are one matrix.
    """

    def __init__(self, side: int = 128, period: int = 16) -> None:
        super().__init__()
        neighbours = np.eye(side, k=1) + np.eye(side, k=-1)
        neighbours[0, 1] = neighbours[-1, -2] = 2  # mirrored at the border
        high_pass = (np.eye(side) / 2) - neighbours / 4
        self.register_buffer("high_pass", torch.from_numpy(high_pass).float(), persistent=False)
        folding = np.tile(np.eye(period), side // period) * (period / side)
        for name, half in (("rows", False), ("columns", True)):
            for part, matrix in zip(("re", "im"), dft_matrices(period, half=half), strict=True):
                folded = torch.from_numpy(matrix @ folding).float()
                self.register_buffer(f"{name}_{part}", folded, persistent=False)
        self.shape = (6, period, period // 2 + 1)
        varying = torch.ones(self.shape[1:])
        varying[0, 0] = 0  # the mean is no period
        self.register_buffer("varying", varying, persistent=False)

    def forward(self, colours: Tensor) -> Tensor:
        residual = self.high_pass @ colours + colours @ self.high_pass.T
        signed = self._power(residual.clamp(-8, 8))
        power = torch.cat([signed, self._power(torch.log(residual.abs() + 0.5))], dim=1)
        return 0.5 * torch.log(power * self.varying + 1e-3)

    def _power(self, planes: Tensor) -> Tensor:
        a, b = planes @ self.columns_re.T, planes @ self.columns_im.T
        real = self.rows_re @ a - self.rows_im @ b
        imaginary = self.rows_re @ b + self.rows_im @ a
        return real * real + imaginary * imaginary
