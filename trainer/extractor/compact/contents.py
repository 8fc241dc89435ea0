"""What a head would say of a photograph with the same contents, to be subtracted.

A linear discriminant leaves out the directions that contents take, but contents also bend what it
keeps: flat areas, edges and noise each pull an embedding their own way. Photographs that went
through no model have no trace, so whatever is predicted of their embeddings is contents. Beyond
the paper. The curves are random Fourier features (Rahimi and Recht, "Random features for
large-scale kernel machines", 2007), fitted by ridge regression in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ContentsRecipe:
    """How contents are told, and what of them is subtracted.

    Attributes:
        components: principal components of photographs, the most varied ones, that tell contents.
        curves: random Fourier features.
        frequency: standard deviation of a curve's argument, radians: hardly more than bent.
        ridge: of the regression, as a share of the number of photographs.
        photograph_mean_share: of the photographs' mean embedding that is subtracted, too. Without
            it, whatever came down one pipeline stays alike; with all of it, generators that paint
            like photographs would have no direction left.
        seed: of the curves.
    """

    components: int = 32
    curves: int = 1024
    frequency: float = 0.4
    ridge: float = 0.001
    photograph_mean_share: float = 0.5
    seed: int = 0


class Contents(nn.Module):
    """(N, numbers) standardised signals -> (N, embedding); 0 until `fit`.

    What contents a signal has is told by its place along the principal components of photographs,
    the most varied ones: a model's trace hardly moves it there. Equations:
    docs/method.md#contents.
    """

    def __init__(self, numbers: int, embedding: int, recipe: ContentsRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        components, curves = min(recipe.components, numbers), recipe.curves
        self.register_buffer("centre", torch.zeros(numbers))
        self.register_buffer("axes", torch.zeros(numbers, components))
        self.register_buffer("frequencies", torch.zeros(components, curves))
        self.register_buffer("phases", torch.zeros(curves))
        self.register_buffer("weight", torch.zeros(curves, embedding))
        self.register_buffer("bias", torch.zeros(embedding))

    def forward(self, signals: Tensor) -> Tensor:
        return self._curves(signals) @ self.weight + self.bias

    @torch.no_grad()
    def fit(self, signals: Tensor, embeddings: Tensor) -> None:
        """Learn to predict photographs' `embeddings` (N, embedding) from `signals` (N, numbers).

        Of the embeddings' own mean, `photograph_mean_share` is predicted.
        """
        recipe, x = self.recipe, signals.double()
        self.centre.copy_(x.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov(x.T, correction=0))
        most = self.axes.shape[1]
        deviations = values[-most:].clamp(min=1e-12).sqrt()
        self.axes.copy_(vectors[:, -most:] / deviations)
        generator = torch.Generator().manual_seed(recipe.seed)
        drawn = torch.randn(self.frequencies.shape, generator=generator)
        self.frequencies.copy_(drawn * recipe.frequency / math.sqrt(most))
        self.phases.copy_(2 * math.pi * torch.rand(len(self.phases), generator=generator))
        curves, wanted = self._curves(signals).double(), embeddings.double()
        offset, average = curves.mean(0), wanted.mean(0)
        bent, told = curves - offset, wanted - average
        ridge = recipe.ridge * len(x) * torch.eye(len(self.phases), dtype=torch.float64)
        weight = torch.linalg.solve(bent.T @ bent + ridge, bent.T @ told)
        self.weight.copy_(weight)
        self.bias.copy_(recipe.photograph_mean_share * average - offset @ weight)

    def _curves(self, signals: Tensor) -> Tensor:
        places = (signals - self.centre) @ self.axes
        return torch.cos(places @ self.frequencies + self.phases)
