"""Residual spectra of images: what every figure of the analysis is drawn from (paper III-A)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fingerprint_sdk.spectrum import azimuthal_integration, dft_magnitude

LOG_FLOOR = 1e-6  # keeps the logarithm of an empty frequency finite; powers are of order n²
_BATCH = 8
HIGH = "over the top quarter of the frequencies (0.375 to 0.5 cycles per pixel)"
"""What `high` averages over, in words."""


@torch.no_grad()
def residual_power(images: np.ndarray, denoiser: nn.Module) -> np.ndarray:
    """Power spectrum of each image's residual, averaged over the three channels.

    `images`: uint8 (N, 3, side, side) RGB; `denoiser`: a network (`trainer.denoiser`). Returns
    float64 (N, n, n), n = side − 2·margin, zero frequency at (0, 0), in units of σ² (1/255²).
    Raises ValueError when the margin leaves nothing of an image.
    """
    n = images.shape[-1] - 2 * denoiser.margin
    if n < 2:
        raise ValueError(
            f"images of {images.shape[-1]} px leave nothing after the denoiser's margin of "
            f"{denoiser.margin} px; give larger ones"
        )
    out = np.empty((len(images), n, n))
    for start in range(0, len(images), _BATCH):
        batch = torch.from_numpy(images[start : start + _BATCH]).float() / 255.0
        power = dft_magnitude(denoiser(batch).numpy()) ** 2
        out[start : start + _BATCH] = power.mean(axis=1)
    return out


def log_profile(power: np.ndarray) -> np.ndarray:
    """log10 of the reduced 1-D power spectrum (eq. 1): (..., n, n) -> (..., n // 2 + 1)."""
    return np.log10(azimuthal_integration(power) + LOG_FLOOR)


def frequencies(count: int) -> np.ndarray:
    """The radii of a reduced spectrum of `count` values: 0 to 0.5 cycles per pixel."""
    return np.linspace(0.0, 0.5, count)


def high(profiles: np.ndarray) -> np.ndarray:
    """Mean of log profiles (..., count) over the top quarter of the frequencies, up to Nyquist."""
    count = profiles.shape[-1]
    return profiles[..., -max(1, count // 4) :].mean(axis=-1)
