"""A linear head: the directions that tell synthetic models apart, in closed form.

Fisher's linear discriminant analysis, fitted in seconds where convolutions train for minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainer.extractor.whitening import shrunk_axes

_AT_ONCE = 64  # models; a product of few images would be all memory traffic


class Discriminant(nn.Module):
    """Linear map of the parts of a signal, (N, ...) each -> (N, embedding), not normalised."""

    def __init__(self, parts: Mapping[str, tuple[int, ...]], embedding: int) -> None:
        super().__init__()
        self.names = tuple(parts)
        self.linear = nn.Linear(sum(math.prod(shape) for shape in parts.values()), embedding)

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        return self.linear(self._flat(parts))

    @torch.no_grad()
    def fit(self, models: Iterable[Mapping[str, Tensor]], shrinkage: float) -> None:
        """Take the directions from the parts (images, ...) of the images of some `models`.

        The first `embedding` of the linear discriminant analysis: scaled so that images of one
        model scatter evenly, those along which models differ the most. The scatter within a model
        is mixed with `shrinkage` of its own mean variance. The mean of the models becomes 0.
        """
        numbers = self.linear.in_features
        within, means, count = torch.zeros(numbers, numbers, dtype=torch.float64), [], 0
        waiting: list[Tensor] = []

        def add() -> None:
            scatter = torch.cat(waiting)
            within.add_(scatter.T @ scatter)
            waiting.clear()

        for parts in models:
            images = self._flat(parts)
            means.append(images.double().mean(0))
            waiting.append(images - means[-1].float())
            count += len(images)
            if len(waiting) == _AT_ONCE:
                add()
        if waiting:
            add()
        values, vectors = shrunk_axes(within / count, shrinkage)
        whitened = vectors / values.sqrt()
        between = whitened.T @ torch.cov(torch.stack(means).T, correction=0) @ whitened
        kept = torch.linalg.eigh(between).eigenvectors[:, -self.linear.out_features :]
        directions = torch.zeros(self.linear.weight.shape, dtype=torch.float64)
        directions[: kept.shape[1]] = (whitened @ kept).T  # fewer numbers than directions: zeros
        self.linear.weight.copy_(directions)
        self.linear.bias.copy_(-directions @ torch.stack(means).mean(0))

    def _flat(self, parts: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([parts[name].flatten(1) for name in self.names], dim=1)
