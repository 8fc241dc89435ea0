"""Log power spectra of the residual and of the image, pooled (paper III-C; Table VI)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from trainer.signal.dft import DftPower

COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Luma and two opponent colours, orthonormal."""
_LOG_FLOOR = 1e-3  # in units of σ²; far under the power that rounding to 8 bits leaves


class LogSpectrum(nn.Module):
    """Pooled log power spectra of the residual and of the image.

    uint8 or float (N, 3, 128, 128) in [0, 255] -> float32 (N, 6, n/pool, n/(2·pool) + 1), where n
    is the side of the residual. The image itself is there for the middle frequencies: a denoiser
    of σ = 1/255 leaves little of them, and recompression little of the high ones. A Hann window
    keeps the patch border from leaking over the spectrum; the channels are luma and two opponent
    colours, of the residual (0 to 2) and of the image (3 to 5). Each bin averages pool×pool
    frequencies and is centred on a multiple of `pool`, so the grid peaks that ×2, ×4 and ×8
    upsampling leave stay in the middle of a bin. Row 0 is vertical frequency 0.

    Equations: docs/method.md#spectra.
    """

    def __init__(self, denoiser: nn.Module, side: int = 128, pool: int = 3) -> None:
        super().__init__()
        n = side - 2 * denoiser.margin
        if n % pool or (n // 2) % pool or pool % 2 == 0:
            raise ValueError(f"pool={pool} must be odd and divide half of the residual ({n})")
        self.denoiser, self.pool, self.n = denoiser, pool, n
        hann = np.hanning(n + 1)[:-1]
        window = hann / np.sqrt((hann**2).sum())  # unit variance in, unit power out
        self.register_buffer("colours", torch.from_numpy(COLOURS).float(), persistent=False)
        self.power = DftPower(n, window, beyond=pool // 2)
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
        margin, n = self.denoiser.margin, self.n
        residual = self.colours @ self.denoiser.of_levels(images).flatten(2)
        centre = colours[..., margin : margin + n, margin : margin + n]
        both = torch.cat([residual.reshape(centre.shape), centre], dim=1)
        power = torch.cat(self.power.halves(both), dim=-1)
        pooled = (self.pool_columns @ power) @ self.pool_rows
        return torch.log(pooled.transpose(-1, -2) + _LOG_FLOOR)


def _pooling(n: int, pool: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages of pool×pool frequencies, as two matrices about the halves of `DftPower`.

    The first, (columns, n // 2 + pool), pools horizontal frequencies, from pool // 2 below 0 to as
    many beyond n // 2. The second, (2·(n // 2 + 1), rows), pools vertical ones: u from 0 to
    n // 2 and then its negatives.
    """
    half, reach = n // 2, pool // 2
    columns = np.kron(np.eye(half // pool + 1), np.ones(pool) / pool)
    rows = np.zeros((2, half + 1, n // pool))
    for i in range(n // pool):
        for u in range(i * pool - reach, i * pool + reach + 1):
            negative = u % n > half
            rows[int(negative), -u % n if negative else u % n, i] += 1 / pool
    return columns, rows.reshape(-1, n // pool)
