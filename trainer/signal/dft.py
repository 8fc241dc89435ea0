"""The power of a 2-D DFT as products with constant matrices (paper III-C).

Not an FFT: ONNX Runtime has no DFT kernel on CUDA and a slow one on CPU.
`fingerprint_sdk.spectrum` is the NumPy reference of the same transform.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.spectrum import dft_matrices


class DftPower(nn.Module):
    """Power |F|² of the 2-D DFT of each channel: (N, C, n, n) -> (N, C, n, n // 2 + 1).

    Only the non-negative horizontal frequencies are kept; the rest mirrors them. Rows and columns
    are folded about their middle first: a cosine is even and a sine odd, so half of each says all,
    and the four products left are a third of the work.

    Args:
        n: side of the input.
        window: (n,), what rows and columns are weighted with; it equals itself mirrored about
            n / 2, as a Hann window does, and so costs nothing: the matrices hold it.
        beyond: how many horizontal frequencies `halves` yields on either side of 0 to n // 2.

    Equations: docs/method.md#spectra.
    """

    def __init__(self, n: int, window: np.ndarray | None = None, beyond: int = 0) -> None:
        super().__init__()
        self.n, self.half = n, n // 2 + 1
        places = np.arange(self.half)
        mirror = -places % n
        weight = np.where(mirror == places, 0.5, 1.0)  # a place that meets itself counts once
        if window is not None:
            weight = weight * window[: self.half]
        columns = np.arange(-beyond, self.half + beyond) % n
        for name, matrix in zip(("cosine", "sine"), dft_matrices(n), strict=True):
            kept = matrix[:, : self.half] * weight
            for axis, frequencies in (("rows", places), ("columns", columns)):
                numbers = torch.from_numpy(kept[frequencies]).float()
                self.register_buffer(f"{axis}_{name}", numbers, persistent=False)
        self.register_buffer("mirror", torch.from_numpy(mirror), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        positive, negative = (power.transpose(-1, -2) for power in self.halves(x))
        return torch.cat([positive, negative[..., 1 : (self.n + 1) // 2, :].flip(-2)], dim=-2)

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Power at (u, v) and at (−u, v), for u and v from 0 to n // 2: (N, C, v, u) both."""
        even, odd = self._fold(x)
        even = even.transpose(-1, -2) @ self.rows_cosine.T
        odd = odd.transpose(-1, -2) @ self.rows_sine.T
        (even_even, even_odd), (odd_even, odd_odd) = self._fold(even), self._fold(odd)
        a, b = self.columns_cosine @ even_even, self.columns_sine @ odd_odd
        c, d = self.columns_cosine @ odd_even, self.columns_sine @ even_odd
        return _square(a - b) + _square(c + d), _square(a + b) + _square(c - d)

    def _fold(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Twice the even and the odd part along the rows: (…, n // 2 + 1, m) both."""
        first, last = x[..., : self.half, :], x.index_select(-2, self.mirror)
        return first + last, first - last


def _square(x: Tensor) -> Tensor:
    return x * x  # ONNX Runtime's power, even of 2, takes twice as long
