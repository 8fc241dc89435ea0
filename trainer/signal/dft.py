"""The power of a 2-D DFT as products with constant matrices (paper III-C).

Not an FFT: ONNX Runtime has no DFT kernel on CUDA and a slow one on CPU.
`fingerprint_sdk.spectrum` is the NumPy reference of the same transform.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fingerprint_sdk.spectrum import dft_matrices


class DftPower(nn.Module):
    """Power |F|² of the 2-D DFT of each channel: (N, C, n, n) -> (N, C, n, n // 2 + 1).

    Only the non-negative horizontal frequencies are kept; the rest mirrors them. Rows and columns
    are folded about their middle first: a cosine is even and a sine odd, so half of each says all,
    and the four products left are a third of the work.

    Equations: docs/method.md#spectra.
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
