"""A linear head: the directions that tell synthetic models apart, in closed form.

Fisher's linear discriminant analysis, fitted in seconds where convolutions train for minutes.
Beyond the paper: photographs that went through no model show which directions are contents.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainer.extractor.compact.contents import Contents, ContentsRecipe
from trainer.extractor.compact.heads import Parts

_AT_ONCE = 64  # models; a product of few images would be all memory traffic


class Discriminant(nn.Module):
    """Linear map of the parts of a signal, (N, ...) each -> (N, embedding), not normalised.

    What `contents` predict is subtracted, once they are fitted; None for nothing to subtract.
    Equations: docs/method.md#discriminant.
    """

    def __init__(
        self, parts: Parts, embedding: int, contents: ContentsRecipe | None = None
    ) -> None:
        super().__init__()
        self.names, self.embedding = tuple(parts), embedding
        numbers = sum(math.prod(shape) for shape in parts.values())
        self.linear = nn.Linear(numbers, embedding)
        self.contents = None if contents is None else Contents(numbers, embedding, contents)

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        flat = self._flat(parts)
        mapped = self.linear(flat)
        return mapped if self.contents is None else mapped - self.contents(flat)

    @torch.no_grad()
    def fit(
        self,
        models: Iterable[Mapping[str, Tensor]],
        shrinkage: float,
        photographs: Iterable[Mapping[str, Tensor]] = (),
        contents_weight: float = 0.0,
    ) -> None:
        """Take the directions from the parts (images, ...) of the images of some `models`.

        The first `embedding` of the linear discriminant analysis: scaled so that images of one
        model scatter evenly, those along which models differ the most. The mean of the models
        becomes 0.

        No model made the `photographs`, given apart for each kind of processing, so whatever they
        differ in is contents: their mean covariance, times `contents_weight`, is added to the
        scatter within a model. The sum is mixed with `shrinkage` of its own mean variance. Then
        the contents are fitted to the same photographs.
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
            within += contents_weight * torch.stack(contents).mean(0)
        centre = torch.stack(means).mean(0)
        directions = torch.zeros(self.linear.weight.shape, dtype=torch.float64)
        best = directions_between(
            shrunk(within, shrinkage), torch.stack(means) - centre, len(directions)
        )
        directions[len(directions) - len(best) :] = best
        self.linear.weight.copy_(directions)
        self.linear.bias.copy_(-directions @ centre)
        if given and self.contents is not None:
            signals = torch.cat([self._flat(parts) for parts in given])
            self.contents.fit(signals, self.linear(signals))

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


def shrunk(covariance: Tensor, shrinkage: float) -> Tensor:
    """A covariance mixed with `shrinkage` of its own mean variance in every direction."""
    variance = covariance.diagonal().mean()
    identity = torch.eye(len(covariance), dtype=covariance.dtype)
    return (1 - shrinkage) * covariance + shrinkage * variance * identity
