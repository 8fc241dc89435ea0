"""How far a window's signal lies from what was calibrated (docs/method.md#typicality)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Typicality(nn.Module):
    """Standardised signals (N, L) -> deviations (N, 1).

    The Mahalanobis distance within the first principal components of reference signals, as a
    multiple of the largest that is typical.
    """

    def __init__(self, mean: np.ndarray, components: np.ndarray, limit: float) -> None:
        """`components` (L, K) map a signal less `mean` (L,) to numbers of deviation 1."""
        super().__init__()
        # Half precision, as the network's matrices: what is measured is what is shipped.
        self.register_buffer("components", torch.from_numpy(components).half().float())
        centre = torch.from_numpy(mean.astype(np.float32)) @ self.components
        self.register_buffer("centre", centre)
        self.limit = float(limit)

    def forward(self, signals: Tensor) -> Tensor:
        distances = signals @ self.components - self.centre
        return distances.square().mean(1, keepdim=True).sqrt() / self.limit


def fit_typicality(
    signals: np.ndarray, held_out: np.ndarray, components: int, quantile: float, margin: float
) -> Typicality:
    """From reference signals, and the limit from others.

    Args:
        signals: standardised, (N, L), of unprocessed windows.
        held_out: likewise, of other images, (images, windows, L).
        components: K, fewer than N.
        quantile: share of `held_out`, each image by its median window, within the limit.
        margin: the limit is so many times that quantile: generators differ more than what stands
            for them.
    """
    mean = signals.mean(0)
    _, lengths, axes = np.linalg.svd(signals - mean, full_matrices=False)
    deviation = lengths[:components] / np.sqrt(len(signals))
    found = Typicality(mean, np.ascontiguousarray(axes[:components].T / deviation), 1.0)
    with torch.no_grad():
        each = found(torch.from_numpy(held_out.reshape(-1, held_out.shape[2])))
    medians = np.median(each.numpy().reshape(held_out.shape[:2]), axis=1)
    found.limit = float(margin * np.quantile(medians, quantile))
    return found
