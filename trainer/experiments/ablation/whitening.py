"""Within-class whitening of embeddings, fitted on the synthetic models after training.

Directions in which the images of one model still differ count less in a cosine score; the paper
has no such step (III-C ends with the embedding). Hatch et al., "Within-class covariance
normalization for SVM-based speaker recognition", 2006.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.extractor.compact.discriminant import shrunk


class Whitening(nn.Module):
    """(N, D) unit embeddings -> (N, D) unit embeddings; the identity until `fit`."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(embedding))
        self.register_buffer("matrix", torch.eye(embedding))

    def forward(self, embeddings: Tensor) -> Tensor:
        return functional.normalize((embeddings - self.centre) @ self.matrix, dim=1)

    def fit(self, embeddings: Tensor, shrinkage: float) -> None:
        """Take mean and within-class covariance from `embeddings` (models, images, D).

        The covariance is mixed with `shrinkage` of its own mean variance, so that a direction
        that happens to be quiet in this sample is not blown up. Models of one image each show no
        such covariance and change nothing.
        """
        z = embeddings.double()
        within = (z - z.mean(1, keepdim=True)).flatten(0, 1)
        covariance = within.T @ within / len(within)
        variance = covariance.diagonal().mean()
        if variance == 0:
            return
        values, vectors = torch.linalg.eigh(shrunk(covariance, shrinkage))
        matrix = vectors @ (vectors / values.sqrt()).T
        self.centre.copy_(z.mean((0, 1)).float())
        self.matrix.copy_((matrix * variance.sqrt()).float())
