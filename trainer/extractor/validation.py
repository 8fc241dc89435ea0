"""Models kept out of training: which they are, and how well a network tells them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from trainer.extractor.source import Source
from trainer.synthesis import ModelId


def held_out_models(models: Sequence[ModelId], fraction: float) -> np.ndarray:
    """(M,) bool: the architectures (with all their seeds) kept for validation and calibration."""
    held = []
    for model in models:
        digest = hashlib.sha256(model.architecture.encode()).hexdigest()  # whatever its pool
        held.append(int(digest[:8], 16) / 2**32 < fraction)
    return np.array(held)


@torch.no_grad()
def held_out_auc(network: nn.Module, source: Source, models: np.ndarray) -> float:
    """Verification AUC on models never trained on: unprocessed images, every pair. NaN if < 2."""
    if len(models) < 2:
        return float("nan")
    models = models[:200]
    images = min(4, source.images)
    model = np.repeat(models, images)
    image = np.tile(np.arange(images), len(models))[:, None]
    training = network.training
    network.eval()
    device = next(network.parameters()).device
    z = network(source.fetch(model, image, np.zeros_like(model)).to(device))
    network.train(training)
    z = nn.functional.normalize(z, dim=1).cpu().numpy()
    score = z @ z.T
    upper = np.triu_indices(len(z), 1)
    same = (model[:, None] == model[None, :])[upper]
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, score[upper]))
