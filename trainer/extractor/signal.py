"""From pixels to what the extractor sees: residual, DFT, spectrum (paper III-C; Table VI).

The DFT is two products with constant matrices, not an FFT: ONNX Runtime has no DFT kernel on CUDA
and a slow one on CPU. `fingerprint_sdk.spectrum` is the NumPy reference of the same transform.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.spectrum import dft_matrices
from trainer.extractor.statistics import COLOURS, TRAINED_STRIDE, CoefficientStatistics, Periods

_LOG_FLOOR = 1e-3  # in units of σ²; far under the power that rounding to 8 bits leaves


class DftPower(nn.Module):
    """Power |F|² of the 2-D DFT of each channel: (N, C, n, n) -> (N, C, n, n // 2 + 1).

    Only the non-negative horizontal frequencies are kept; the rest mirrors them.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        for name, half in (("rows", False), ("columns", True)):
            real, imaginary = dft_matrices(n, half=half)
            self.register_buffer(f"{name}_re", torch.from_numpy(real).float(), persistent=False)
            self.register_buffer(
                f"{name}_im", torch.from_numpy(imaginary).float(), persistent=False
            )

    def forward(self, x: Tensor) -> Tensor:
        a, b = x @ self.columns_re.T, x @ self.columns_im.T
        real = self.rows_re @ a - self.rows_im @ b
        imaginary = self.rows_re @ b + self.rows_im @ a
        return real.square() + imaginary.square()


class LogSpectrum(nn.Module):
    """Pooled log power spectra of the residual and of the image.

    uint8 or float (N, 3, 128, 128) in [0, 255] -> float32 (N, 6, n/pool, n/(2·pool) + 1), where n
    is the side of the residual. The image itself is there for the middle frequencies: a denoiser
    of σ = 1/255 leaves little of them, and recompression little of the high ones. A Hann window
    keeps the patch border from leaking over the spectrum; the channels are luma and two opponent
    colours, of the residual (0 to 2) and of the image (3 to 5). Each bin averages pool×pool
    frequencies and is centred on a multiple of `pool`, so the grid peaks that ×2, ×4 and ×8
    upsampling leave stay in the middle of a bin. Row 0 is vertical frequency 0.
    """

    def __init__(self, residual: nn.Module, side: int = 128, pool: int = 3) -> None:
        super().__init__()
        n = side - 2 * residual.margin
        if n % pool or (n // 2) % pool or pool % 2 == 0:
            raise ValueError(f"pool={pool} must be odd and divide half of the residual ({n})")
        self.residual, self.pool, self.n = residual, pool, n
        hann = np.hanning(n + 1)[:-1]
        window = np.outer(hann, hann)
        window /= np.sqrt((window**2).sum())  # unit variance in, unit power out
        self.register_buffer("window", torch.from_numpy(window).float(), persistent=False)
        self.register_buffer("colours", torch.from_numpy(COLOURS).float(), persistent=False)
        self.power = DftPower(n)
        rows, columns = n // pool, n // (2 * pool) + 1
        reach = pool // 2
        around = np.arange(-reach, n // 2 + reach + 1)
        pool_rows = _pooling(np.arange(n), rows, pool, period=n)
        pool_columns = _pooling(around, columns, pool)
        self.register_buffer("pool_rows", torch.from_numpy(pool_rows).float(), persistent=False)
        self.register_buffer(
            "pool_columns", torch.from_numpy(pool_columns).float(), persistent=False
        )
        self.shape = (6, rows, columns)

    def forward(self, windows: Tensor) -> Tensor:
        images, margin, n = windows.float(), self.residual.margin, self.n
        residual = self.residual(images / 255.0)
        centre = images[..., margin : margin + n, margin : margin + n] - 127.5
        both = torch.cat([residual, centre], dim=1) * self.window
        power = self.power((self.colours @ both.reshape(-1, 3, n * n)).reshape(-1, 6, n, n))
        # F(-u, -v) is the conjugate of F(u, v): the neighbours of the first and last column.
        reach = self.pool // 2
        before, after = power[..., 1 : 1 + reach], power[..., -1 - reach : -1]
        before, after = (x.flip((-1, -2)).roll(1, -2) for x in (before, after))
        around = torch.cat([before, power, after], dim=-1)
        return torch.log(self.pool_rows @ around @ self.pool_columns.T + _LOG_FLOOR)


class CompactSignal(nn.Module):
    """The compact model's signal: spectra, coefficient statistics and periods of each window.

    uint8 or float (N, 3, 128, 128) in [0, 255] -> float32 (N, L), the flattened `parts` in their
    order: `residual` and `image` are the two halves of `LogSpectrum`. `stride` is
    `CoefficientStatistics`'s.
    """

    def __init__(
        self, residual: nn.Module, side: int = 128, *, stride: int = TRAINED_STRIDE
    ) -> None:
        super().__init__()
        self.spectrum = LogSpectrum(residual, side)
        self.coefficients, self.periods = CoefficientStatistics(stride), Periods(side)
        _, rows, columns = self.spectrum.shape
        self.parts = {
            "residual": (3, rows, columns),
            "image": (3, rows, columns),
            "coefficients": self.coefficients.shape,
            "periods": self.periods.shape,
        }
        self.shape = (sum(math.prod(shape) for shape in self.parts.values()),)

    def forward(self, windows: Tensor) -> Tensor:
        images = windows.float()
        centred = (images - 127.5).flatten(2)
        colours = (self.spectrum.colours @ centred).reshape(images.shape)
        found = (self.spectrum(images), self.coefficients(colours), self.periods(colours))
        return torch.cat([part.flatten(1) for part in found], dim=1)


class PaperSpectrum(nn.Module):
    """The paper's signal: |DFT| of each residual channel, no shift, no logarithm, 94 -> 128 px.

    (N, 3, 128, 128) in [0, 255] -> float32 (N, 3, 128, 128).
    """

    def __init__(self, residual: nn.Module, side: int = 128) -> None:
        super().__init__()
        self.residual = residual
        n = side - 2 * residual.margin
        self.n = n
        self.power = DftPower(n)
        # Whole numbers: a resize operator's scale rounds, so torch and ONNX Runtime would differ.
        nearest = torch.from_numpy(np.arange(side) * n // side)
        self.register_buffer("nearest", nearest, persistent=False)
        self.shape = (3, side, side)
        self.parts = {"residual": self.shape}

    def forward(self, windows: Tensor) -> Tensor:
        power = self.power(self.residual(windows.float() / 255.0))
        # Mirror the half spectrum: F(-u, -v) is the conjugate of F(u, v).
        inner = power[..., 1 : (self.n + 1) // 2].flip((-1, -2)).roll(1, -2)
        magnitude = torch.cat([power, inner], dim=-1).sqrt()
        return magnitude.index_select(-2, self.nearest).index_select(-1, self.nearest)


def _pooling(
    frequencies: np.ndarray, outputs: int, pool: int, *, period: int | None = None
) -> np.ndarray:
    """Averages of `pool` neighbours centred on multiples of `pool`: (outputs, frequencies)."""
    distance = frequencies[None, :] - pool * np.arange(outputs)[:, None]
    if period is not None:
        distance = (distance + period // 2) % period - period // 2
    return (abs(distance) <= pool // 2) / pool
