"""The 8×8 DCT of overlapping blocks, in luma and two opponent colours."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_BLOCK = 8
_STRIDE = 4  # the blocks of a JPEG file, and those halfway between them


class BlockDct(nn.Module):
    """8×8 DCT (orthonormal) of overlapping blocks: colours (N, 3, n, n) -> (N, 3, 64, h, w).

    A block starts every 4 px; its frequencies are in reading order, row 0 vertical frequency 0.
    The input is float32 colours about 0, in grey levels. Windows start on multiples of 8 px
    (`fingerprint_sdk.images.window_grid`), so every other block is one that JPEG knows, or
    that a decoder which enlarges eightfold made of one place of its latent: numbers of one phase
    scatter less than those of all phases together.

    Equations: docs/method.md#blocks.
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
