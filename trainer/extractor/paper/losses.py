"""Losses on a batch of P models × K images (paper III-C and Fig. 9)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def batch_hard_triplet(embeddings: Tensor, labels: Tensor, margin: float = 0.3) -> Tensor:
    """Hardest positive against hardest negative of every anchor, Euclidean distance.

    `embeddings` (N, D); `labels` (N,) int64. An anchor is never its own positive, and anchors
    without a positive or a negative in the batch are left out. Returns a scalar ≥ 0.
    """
    distance = torch.cdist(embeddings, embeddings)
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = distance.masked_fill(~same | itself, -torch.inf).amax(1)
    negative = distance.masked_fill(same, torch.inf).amin(1)
    usable = positive.isfinite() & negative.isfinite()
    if not usable.any():
        return embeddings.sum() * 0.0
    return functional.relu(positive - negative + margin)[usable].mean()


def supervised_contrastive(
    embeddings: Tensor, labels: Tensor, temperature: float = 0.07
) -> Tensor:
    """Supervised contrastive loss on L2-normalised embeddings: every positive of every anchor."""
    z = functional.normalize(embeddings, dim=1)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    logits = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
    same = (labels[:, None] == labels[None, :]) & ~itself
    log_probability = logits - logits.logsumexp(1, keepdim=True)
    positives = same.sum(1)
    usable = positives > 0
    if not usable.any():
        return embeddings.sum() * 0.0
    per_anchor = -log_probability.masked_fill(~same, 0.0).sum(1)[usable] / positives[usable]
    return per_anchor.mean()


class CosineClassifier(nn.Module):
    """Cross-entropy over the synthetic models, by cosine to one learned direction each.

    `margin` is taken off the true class's cosine (large-margin cosine loss), so that classes are
    pulled together and not merely told apart; 0 gives a plain normalised softmax.

    Equations: docs/method.md#paper.
    """

    def __init__(
        self, embedding: int, classes: int, *, scale: float = 24.0, margin: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, embedding) / embedding**0.5)
        self.scale, self.margin = scale, margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        cosine = (
            functional.normalize(embeddings, dim=1) @ functional.normalize(self.weight, dim=1).T
        )
        cosine = cosine - self.margin * functional.one_hot(labels, cosine.shape[1])
        return functional.cross_entropy(self.scale * cosine, labels)
