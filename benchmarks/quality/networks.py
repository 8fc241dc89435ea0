"""Perceptron or convolution on the same spectra, at equal training time?

    python benchmarks/quality/networks.py RUN IMAGES [SECONDS]

RUN is a folder of `trainer extractor` (its cached features are used), IMAGES an image set of real
generators. Prints samples a second, AUC on held-out synthetic models, and identification and AUC
on the real ones. Both networks see the whole signal and give 128 numbers.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from trainer.calibration import CalibrationRecipe
from trainer.evaluation import read_image_set, score
from trainer.experiments.ablation import (
    ConvolutionRecipe,
    embed_signals,
    image_signals,
    read_cache,
)
from trainer.extractor import (
    CosineClassifier,
    Head,
    batch_hard_triplet,
    held_out_models,
)
from trainer.extractor.source import FeatureSource
from trainer.extractor.validation import held_out_auc

RECIPE = ConvolutionRecipe()


class Perceptron(nn.Module):
    """Two hidden layers of 512 on the flat signal: (N, L) -> (N, 128)."""

    def __init__(self, features: int, *, width: int = 512, depth: int = 2) -> None:
        super().__init__()
        self.embedding = 128
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise([features] + [width] * depth):
            layers += [nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, self.embedding))

    def fit_input(self, features: Tensor) -> None:
        flat = features.flatten(1).float()
        self.mean.copy_(flat.mean(0))
        self.scale.copy_(1.0 / flat.std(0).clamp(min=1e-3))

    def forward(self, signal: Tensor) -> Tensor:
        return self.layers((signal.flatten(1) - self.mean) * self.scale)


def train(network: nn.Module, source: FeatureSource, seconds: float) -> float:
    """Train with the losses and batches of convolutions; returns samples a second."""
    descent = RECIPE.descent
    rows = np.flatnonzero(~held_out_models(source.models, RECIPE.held_out))
    rng = np.random.default_rng(0)
    image = rng.integers(source.images, size=(4096, 1))
    variant = rng.integers(source.variants, size=4096)
    network.fit_input(source.fetch(rng.choice(rows, 4096), image, variant))
    classifier = CosineClassifier(network.embedding, len(rows), margin=descent.cosine_margin)
    parameters = [*network.parameters(), *classifier.parameters()]
    rate = descent.learning_rate
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=descent.weight_decay)
    network.train()
    started, samples, step = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - started) < seconds:
        for group in optimiser.param_groups:
            group["lr"] = rate * (0.5 + 0.5 * np.cos(np.pi * elapsed / seconds))
        rng = np.random.default_rng((0, step))
        draw = descent.sampler.draw(source.block[rows], source.images, source.variants, rng)
        labels = torch.from_numpy(draw[0])
        z = network(source.fetch(rows[draw[0]], *draw[1:]))
        loss = classifier(z, labels)
        unit = nn.functional.normalize(z, dim=1)
        loss = loss + batch_hard_triplet(unit, labels, descent.margin)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        samples, step = samples + len(labels), step + 1
    network.eval()
    return samples / seconds


def main(run: Path, images: Path, seconds: float) -> None:
    cache = read_cache(run)
    source, parts = cache.source, cache.signal.parts
    with tempfile.TemporaryDirectory() as folder:
        signals = image_signals(read_image_set(images), cache.signal, "signal", 3, Path(folder))
    held = np.flatnonzero(held_out_models(source.models, RECIPE.held_out))
    networks = {
        "perceptron": lambda: Perceptron(cache.signal.shape[0]),
        "convolution": lambda: replace(RECIPE, heads=(Head(tuple(parts)),)).network(parts),
    }
    for name, build in networks.items():
        torch.manual_seed(0)
        network = build()
        speed = train(network, source, seconds)
        scores = score(
            embed_signals(network, signals, constant=CalibrationRecipe().constant), resamples=0
        )
        print(
            f"{name:12s} {speed:7.0f} samples/s, {seconds:.0f} s: "
            f"held-out AUC {100 * held_out_auc(network, source, held):.1f}, {images.name} "
            f"identification {100 * scores.identification.model.accuracy.value:.1f}, "
            f"AUC {100 * scores.verification.model.auc.value:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 120.0)
