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
_STRIDE = 5  # prime to 8: every phase of a grid of 8 px is met, so a crop changes little
_FLOOR = 0.05  # grey levels; under what rounding to 8 bits leaves


class CoefficientStatistics(nn.Module):
    """Distribution of the 8×8 DCT coefficients of a window: (N, 3, n, n) -> (N, 15, 8, 8).

    Of each colour and frequency, over overlapping blocks: the logarithm of the root mean square
    and of the mean magnitude, the mean logarithm of the magnitude, and two smooth counts of
    coefficients near zero (under about 0.7 and 2.5 grey levels). The input is float32 colours
    about 0, in grey levels.
    """

    def __init__(self) -> None:
        super().__init__()
        frequency, place = np.mgrid[:_BLOCK, :_BLOCK]
        dct = np.cos(np.pi * frequency * (2 * place + 1) / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
        dct[0] /= np.sqrt(2)
        kernels = np.einsum("ui,vj->uvij", dct, dct).reshape(_BLOCK**2, 1, _BLOCK, _BLOCK)
        self.register_buffer("kernels", torch.from_numpy(kernels).float(), persistent=False)
        self.shape = (15, _BLOCK, _BLOCK)

    def forward(self, colours: Tensor) -> Tensor:
        planes = colours.flatten(0, 1)[:, None]
        blocks = functional.conv2d(planes, self.kernels, stride=_STRIDE).flatten(2)
        square, magnitude = blocks.square(), blocks.abs()
        statistics = [
            0.5 * torch.log(square.mean(-1) + _FLOOR),
            torch.log(magnitude.mean(-1) + _FLOOR),
            torch.log(magnitude + 0.3).mean(-1),
            torch.exp(square / -0.5).mean(-1),
            torch.exp(square / -6.0).mean(-1),
        ]
        return torch.stack(statistics, dim=1).reshape(-1, *self.shape)


class Periods(nn.Module):
    """Patterns that repeat every 16 px, as upsampling leaves them: (N, 3, n, n) -> (N, 6, 16, 9).

    A high-pass of each colour (0 to 2), and the logarithm of its magnitude (3 to 5), are averaged
    over all 16×16 tiles; of the average, without its mean, the DFT's log amplitude. What does not
    repeat averages out, and a shift changes phases only. Periods 2, 4 and 8 are among the
    harmonics; n is a multiple of 16, the input as for `CoefficientStatistics`.
    """

    def __init__(self, period: int = 16) -> None:
        super().__init__()
        self.period = period
        high_pass = torch.tensor([[0.0, -0.25, 0.0], [-0.25, 1.0, -0.25], [0.0, -0.25, 0.0]])
        self.register_buffer("high_pass", high_pass[None, None], persistent=False)
        for name, half in (("rows", False), ("columns", True)):
            real, imaginary = dft_matrices(period, half=half)
            self.register_buffer(f"{name}_re", torch.from_numpy(real).float(), persistent=False)
            self.register_buffer(
                f"{name}_im", torch.from_numpy(imaginary).float(), persistent=False
            )
        self.shape = (6, period, period // 2 + 1)

    def forward(self, colours: Tensor) -> Tensor:
        p, n = self.period, colours.shape[-1]
        planes = functional.pad(colours.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="reflect")
        residual = functional.conv2d(planes, self.high_pass).reshape(-1, 3, n, n)
        both = torch.cat([residual.clamp(-8, 8), torch.log(residual.abs() + 0.5)], dim=1)
        tile = both.reshape(-1, 6, n // p, p, n // p, p).mean((2, 4))
        tile = tile - tile.mean((-2, -1), keepdim=True)
        a, b = tile @ self.columns_re.T, tile @ self.columns_im.T
        real = self.rows_re @ a - self.rows_im @ b
        imaginary = self.rows_re @ b + self.rows_im @ a
        return 0.5 * torch.log(real.square() + imaginary.square() + 1e-3)
