"""A linear head: the directions that tell synthetic models apart, in closed form.

Fisher's linear discriminant analysis, fitted in seconds where convolutions train for minutes.
Beyond the paper: photographs that went through no model show which directions are contents.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainer.extractor.compact.contents import Contents
from trainer.extractor.compact.whitening import shrunk

_AT_ONCE = 64  # models; a product of few images would be all memory traffic


class Discriminant(nn.Module):
    """Linear map of the parts of a signal, (N, ...) each -> (N, embedding), not normalised.

    What its `contents` predict is subtracted, once they are fitted.
    """

    def __init__(self, parts: Mapping[str, tuple[int, ...]], embedding: int) -> None:
        super().__init__()
        self.names = tuple(parts)
        numbers = sum(math.prod(shape) for shape in parts.values())
        self.linear = nn.Linear(numbers, embedding)
        self.contents = Contents(numbers, embedding)

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        flat = self._flat(parts)
        return self.linear(flat) - self.contents(flat)

    @torch.no_grad()
    def fit(
        self,
        models: Iterable[Mapping[str, Tensor]],
        shrinkage: float,
        photographs: Iterable[Mapping[str, Tensor]] = (),
        weight: float = 0.0,
        mean: float | None = None,
    ) -> None:
        """Take the directions from the parts (images, ...) of the images of some `models`.

        The first `embedding` of the linear discriminant analysis: scaled so that images of one
        model scatter evenly, those along which models differ the most. The mean of the models
        becomes 0.

        No model made the `photographs`, given apart for each kind of processing, so whatever they
        differ in is contents: their mean covariance, times `weight`, is added to the scatter
        within a model. The sum is mixed with `shrinkage` of its own mean variance. With a `mean`,
        `fit_contents` follows.
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
        within /= count
        given = list(photographs)
        if given:
            contents = [torch.cov(self._flat(parts).T, correction=0) for parts in given]
            within += weight * torch.stack(contents).mean(0)
        centre = torch.stack(means).mean(0)
        directions = torch.zeros(self.linear.weight.shape, dtype=torch.float64)
        best = directions_between(
            shrunk(within, shrinkage), torch.stack(means) - centre, len(directions)
        )
        directions[len(directions) - len(best) :] = best
        self.linear.weight.copy_(directions)
        self.linear.bias.copy_(-directions @ centre)
        if given and mean is not None:
            self.fit_contents(given, mean)

    @torch.no_grad()
    def fit_contents(self, photographs: Iterable[Mapping[str, Tensor]], mean: float) -> None:
        """From now on subtract what contents predict of the embeddings of `photographs`.

        A share `mean` of their mean is subtracted as well (`Contents.fit`).
        """
        signals = torch.cat([self._flat(parts) for parts in photographs])
        self.contents.fit(signals, self.linear(signals), mean)

    def _flat(self, parts: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([parts[name].flatten(1) for name in self.names], dim=1)


def directions_between(within: Tensor, means: Tensor, most: int) -> Tensor:
    """Rows along which `means` (M, n) about 0 scatter the most, `within` (n, n) being level.

    At most `most`, the best last, and only those along which they scatter at all: with few models
    these are fewer.
    """
    root = torch.linalg.cholesky(within)
    levelled = torch.linalg.solve_triangular(root, means.T, upper=False)
    few = levelled.shape[1] < levelled.shape[0]  # eigenvectors of the smaller product will do
    values, vectors = torch.linalg.eigh(levelled.T @ levelled if few else levelled @ levelled.T)
    kept = torch.nonzero(values > 1e-9 * values[-1]).flatten()[-most:]
    axes = levelled @ vectors[:, kept] / values[kept].sqrt() if few else vectors[:, kept]
    return torch.linalg.solve_triangular(root.T, axes, upper=True).T
