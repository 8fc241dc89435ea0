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
from trainer.signal.coefficients import (
    COLOURS,
    BlockDct,
    CoefficientStatistics,
    Periods,
    log_magnitude,
)
from trainer.signal.relations import Relations

_LOG_FLOOR = 1e-3  # in units of σ²; far under the power that rounding to 8 bits leaves


class DftPower(nn.Module):
    """Power |F|² of the 2-D DFT of each channel: (N, C, n, n) -> (N, C, n, n // 2 + 1).

    Only the non-negative horizontal frequencies are kept; the rest mirrors them. Rows and columns
    are folded about their middle first: a cosine is even and a sine odd, so half of each says all,
    and the four products left are a third of the work.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        cosine, sine = dft_matrices(n, half=True)
        halves = {"cosine": cosine[:, : n // 2 + 1], "sine": sine[:, 1 : (n + 1) // 2]}
        for name, matrix in halves.items():
            self.register_buffer(name, torch.from_numpy(matrix).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        positive, negative = (power.transpose(-1, -2) for power in self.halves(x))
        return torch.cat([positive, negative[..., 1 : (self.n + 1) // 2, :].flip(-2)], dim=-2)

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Power at (u, v) and at (−u, v), for u, v from 0 to n // 2: (N, C, v, u) both."""
        even, odd = self._fold(x)
        even, odd = even.transpose(-1, -2) @ self.cosine.T, odd.transpose(-1, -2) @ self.sine.T
        (even_even, even_odd), (odd_even, odd_odd) = self._fold(even), self._fold(odd)
        a, b = self.cosine @ even_even, self.sine @ odd_odd
        c, d = self.cosine @ odd_even, self.sine @ even_odd
        return (a - b).square() + (c + d).square(), (a + b).square() + (c - d).square()

    def _fold(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Even and odd part along the rows: (…, n // 2 + 1, m) and (…, (n − 1) // 2, m)."""
        inner = (self.n - 1) // 2
        first, last = x[..., 1 : 1 + inner, :], x[..., self.n - inner :, :].flip(-2)
        middle = x[..., 1 + inner : self.n - inner, :]
        return torch.cat([x[..., :1, :], first + last, middle], dim=-2), first - last


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
        for name, matrix in zip(("columns", "rows"), _pooling(n, pool), strict=True):
            self.register_buffer(
                f"pool_{name}", torch.from_numpy(matrix).float(), persistent=False
            )
        self.shape = (6, rows, columns)

    def forward(self, windows: Tensor) -> Tensor:
        images = windows.float()
        return self.spectra(images, self.opponent(images))

    def opponent(self, images: Tensor) -> Tensor:
        """Colours about 0 of images in [0, 255], of the same shape."""
        return (self.colours @ (images - 127.5).flatten(2)).reshape(images.shape)

    def spectra(self, images: Tensor, colours: Tensor) -> Tensor:
        """`forward`, where the image's `colours` about 0 are known."""
        margin, n = self.residual.margin, self.n
        residual = self.colours @ self.residual(images / 255.0).flatten(2)
        centre = colours[..., margin : margin + n, margin : margin + n]
        both = torch.cat([residual.reshape(centre.shape), centre], dim=1) * self.window
        power = torch.cat(self.power.halves(both), dim=-1)
        pooled = self.pool_columns @ power  # each column directly, then mirrored
        pooled = pooled.reshape(*pooled.shape[:2], self.shape[2], -1)
        return torch.log(self.pool_rows @ pooled.transpose(-1, -2) + _LOG_FLOOR)


class CompactSignal(nn.Module):
    """The compact model's signal: each window's spectra, coefficients, periods and relations.

    uint8 or float (N, 3, 128, 128) in [0, 255] -> float32 (N, L), the flattened `parts` in their
    order: `residual` and `image` are the two halves of `LogSpectrum`.
    """

    def __init__(self, residual: nn.Module, side: int = 128) -> None:
        super().__init__()
        self.spectrum = LogSpectrum(residual, side)
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


def signal_name(signal: nn.Module, residual_hash: str) -> str:
    """What caches know a signal by: its kind, its parts and its denoiser."""
    return f"{type(signal).__name__} {'+'.join(signal.parts)} {residual_hash}"


def _pooling(n: int, pool: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages of pool×pool frequencies, as two matrices for the halves of `DftPower`.

    The first, (2·columns, n // 2 + 1), pools horizontal frequencies: of each output column, those
    at or above 0 and up to n // 2, then those beyond, which are mirrored: F(u, −v) is the
    conjugate of F(−u, v). The second, (rows, 4·(n // 2 + 1)), pools vertical ones of both, which
    have u from 0 to n // 2 and then its negatives.
    """
    half, reach = n // 2, pool // 2
    columns = np.zeros((n // (2 * pool) + 1, 2, half + 1))
    for j in range(len(columns)):
        for v in range(j * pool - reach, j * pool + reach + 1):
            mirrored = not 0 <= v <= half
            columns[j, int(mirrored), -v % n if mirrored else v] += 1 / pool
    rows = np.zeros((n // pool, 2, 2, half + 1))
    for i in range(len(rows)):
        for u in range(i * pool - reach, i * pool + reach + 1):
            for mirrored, frequency in enumerate((u % n, -u % n)):
                negative = frequency > half
                rows[i, mirrored, int(negative), n - frequency if negative else frequency] += (
                    1 / pool
                )
    return columns.reshape(-1, half + 1), rows.reshape(len(rows), -1)
