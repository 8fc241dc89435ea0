"""How closely two denoisers' residuals agree in the spectrum, the only part that is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from fingerprint_sdk.spectrum import azimuthal_integration, dft_magnitude
from trainer.images.photos import Photos

_LOG_FLOOR = 1e-6  # keeps the logarithm of an empty frequency finite; powers are of order n²


@dataclass(frozen=True)
class Agreement:
    """Agreement of two sets of residuals.

    `correlation`: Pearson's, in [-1, 1], of the two log power spectra over all frequencies but
    zero, averaged over images and channels. `log_differences`: mean absolute difference of the
    natural logarithms of the azimuthal integrals (paper eq. 1) at frequencies 1 to n // 2 cycles
    per residual; 0 is equality, 0.1 is power that differs by a tenth.
    """

    correlation: float
    log_differences: tuple[float, ...]

    @property
    def mean_log_difference(self) -> float:
        return float(np.mean(self.log_differences))


def residual_agreement(a: np.ndarray, b: np.ndarray) -> Agreement:
    """Compare residuals `a` and `b` of the same pixels, shape (N, C, n, n) both, n >= 2.

    Raises ValueError when the shapes differ or are no square images.
    """
    if a.shape != b.shape or a.ndim != 4 or a.shape[2] != a.shape[3] or a.shape[3] < 2:
        raise ValueError(f"residuals must be (N, C, n, n) alike, not {a.shape} and {b.shape}")
    power_a, power_b = dft_magnitude(a) ** 2, dft_magnitude(b) ** 2
    logs = [np.log(azimuthal_integration(p) + _LOG_FLOOR)[..., 1:] for p in (power_a, power_b)]
    differences = np.abs(logs[0] - logs[1]).mean(axis=(0, 1))
    return Agreement(_correlation(power_a, power_b), tuple(differences.tolist()))


def denoiser_agreement(
    teacher: nn.Module, student: nn.Module, photos: Photos, *, count: int = 32, side: int = 128
) -> Agreement:
    """Compare two denoisers on `count` crops of `photos`, over the pixels that both can see."""
    margin = max(teacher.margin, student.margin)
    if side <= 2 * margin + 1:
        raise ValueError(f"crops of {side} px leave nothing after a margin of {margin} px")
    rng, n = np.random.default_rng(0), side - 2 * margin
    residuals: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for start in range(0, count, 8):
        crops = photos.crops(min(8, count - start), side, rng)
        images = torch.from_numpy(crops).float() / 255.0
        for network, found in zip((teacher, student), residuals, strict=True):
            cut = margin - network.margin
            with torch.no_grad():
                residual = network.eval()(images)
            found.append(residual[..., cut : cut + n, cut : cut + n].numpy())
    return residual_agreement(*map(np.concatenate, residuals))


def _correlation(power_a: np.ndarray, power_b: np.ndarray) -> float:
    logs = [np.log(p + _LOG_FLOOR).reshape(*p.shape[:2], -1)[..., 1:] for p in (power_a, power_b)]
    x, y = (log - log.mean(axis=-1, keepdims=True) for log in logs)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    products = (x * y).sum(axis=-1)
    return float(np.mean(np.divide(products, scale, out=np.zeros_like(scale), where=scale > 0)))
