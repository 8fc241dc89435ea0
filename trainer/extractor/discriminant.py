"""A linear head: the directions that tell synthetic models apart, in closed form.

Fisher's linear discriminant analysis. Where correlations are the input it is better on real
generators than convolutions, and fitted in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class Discriminant(nn.Module):
    """Linear map of the parts of a signal, (N, ...) each -> (N, embedding), not normalised."""

    def __init__(self, parts: Mapping[str, tuple[int, ...]], embedding: int) -> None:
        super().__init__()
        self.names = tuple(parts)
        self.linear = nn.Linear(sum(math.prod(shape) for shape in parts.values()), embedding)

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        return self.linear(torch.cat([parts[name].flatten(1) for name in self.names], dim=1))

    @torch.no_grad()
    def fit(self, models: Iterable[Tensor], shrinkage: float) -> None:
        """Take the directions from the images (images, L) of each of some `models`.

        The first `embedding` of the linear discriminant analysis: scaled so that images of one
        model scatter evenly, those along which models differ the most. The scatter within a model
        is mixed with `shrinkage` of its own mean variance. The mean of the models becomes 0.
        """
        means, within, count = [], torch.zeros(()), 0
        for images in models:
            mean = images.double().mean(0)
            scatter = images - mean.float()
            within = within + (scatter.T @ scatter).double()
            means.append(mean)
            count += len(images)
        within = within / count
        even = within.diagonal().mean() * torch.eye(len(within), dtype=within.dtype)
        values, vectors = torch.linalg.eigh((1 - shrinkage) * within + shrinkage * even)
        whitened = vectors / values.sqrt()
        between = whitened.T @ torch.cov(torch.stack(means).T, correction=0) @ whitened
        kept = torch.linalg.eigh(between).eigenvectors[:, -self.linear.out_features :]
        directions = torch.zeros(self.linear.weight.shape, dtype=within.dtype)
        directions[: kept.shape[1]] = (whitened @ kept).T  # fewer numbers than directions: zeros
        self.linear.weight.copy_(directions)
        self.linear.bias.copy_(-directions @ torch.stack(means).mean(0))
