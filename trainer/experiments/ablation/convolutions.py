"""Heads of convolutions, trained step by step: what losses, samplers and heads are compared on.

Not shipped: linear heads do better in seconds (`trainer ablate heads`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.checkpoint import CHECKPOINT_SECONDS
from trainer.experiments.ablation.whitening import Whitening
from trainer.extractor import CompactNet, Descent, Head, Sampler, held_out_models, train_by_step
from trainer.extractor.compact.fit import head_folders, signals_of, standardise
from trainer.extractor.compact.heads import HEADS, Parts, Seen
from trainer.extractor.saved import save_network
from trainer.extractor.source import Source
from trainer.progress import Progress, silent
from trainer.signal import CompactSignal

BATCHES = Sampler(
    models=64, images=4, confusable=0.5, shared_contents=0.5, processed=0.5, averaged=3
)
DESCENT = Descent(
    sampler=BATCHES,
    steps=3000,
    learning_rate=3e-3,
    weight_decay=0.05,
    warmup=0.05,
    classification=1.0,
    triplet=1.0,
    margin=0.3,
    cosine_margin=0.2,
)


@dataclass(frozen=True)
class ConvolutionRecipe:
    """The compact network with convolutions for heads.

    Attributes:
        heads: what each sees and learns from.
        widths: channels of each head's convolutions.
        embedding: numbers of each head.
        dropout: before each head's last layer.
        descent: how each head is trained, by itself.
        whitening: shrinkage of the within-class covariance, None for no whitening.
        sample: signals that the input is standardised by.
        held_out: share of architectures kept for validation.
        seed: of weights, batches and the sample.
    """

    method: ClassVar[str] = "convolutions"

    heads: tuple[Head, ...] = HEADS
    widths: tuple[int, ...] = (32, 64, 96)
    embedding: int = 128
    dropout: float = 0.0
    descent: Descent = DESCENT
    whitening: float | None = 0.2
    sample: int = 4096
    held_out: float = 0.1
    seed: int = 0

    def signal(self, denoiser: nn.Module) -> CompactSignal:
        """What the network sees."""
        return CompactSignal(denoiser)

    def network(self, parts: Parts) -> CompactNet:
        """The network, not trained, on a signal of these `parts`."""
        modules = [
            ConvolutionHead(head.seen(parts), self.widths, self.embedding, self.dropout)
            for head in self.heads
        ]
        return CompactNet(parts, self.heads, modules)


class ConvolutionHead(nn.Module):
    """Parts of a signal -> unit embeddings (N, embedding), whitened once `fit_output` was called.

    Parts of one size are stacked; each size has 3×3 convolutions of its own, one a width. A
    convolution has stride 2 while a side is over 5, and one linear layer follows them, which
    still knows every bin's place.
    """

    def __init__(
        self, parts: Parts, widths: tuple[int, ...], embedding: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.names: dict[tuple[int, ...], list[str]] = {}
        for name, shape in parts.items():
            self.names.setdefault(shape[1:], []).append(name)
        self.stacks = nn.ModuleList()
        features = 0
        for (height, width), names in self.names.items():
            layers: list[nn.Module] = []
            for a, b in itertools.pairwise((sum(parts[n][0] for n in names), *widths)):
                stride = 2 if max(height, width) > 5 else 1
                layers += [nn.Conv2d(a, b, 3, stride, padding=1), nn.BatchNorm2d(b), nn.GELU()]
                height, width = -(-height // stride), -(-width // stride)
            self.stacks.append(nn.Sequential(*layers, nn.Flatten()))
            features += widths[-1] * height * width
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, embedding))
        self.whitening = Whitening(embedding)

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        maps = [
            stack(torch.cat([parts[name] for name in names], dim=1))
            for stack, names in zip(self.stacks, self.names.values(), strict=True)
        ]
        return self.whitening(functional.normalize(self.last(torch.cat(maps, dim=1)), dim=1))


def train_convolutions(
    source: Source,
    parts: dict[str, tuple[int, ...]],
    out: Path,
    recipe: ConvolutionRecipe,
    *,
    progress: Progress = silent,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> CompactNet:
    """Train every head by itself and put them side by side; returns the network in eval mode.

    `out` is as `fit_compact` leaves it, with a log and a checkpoint for each head; a killed
    training goes on.

    Raises ValueError when `out` holds a run with another recipe.
    """
    torch.manual_seed(recipe.seed)
    network = recipe.network(parts)
    train = np.flatnonzero(~held_out_models(source.models, recipe.held_out))
    standardise(network, source, train, recipe.sample, recipe.seed)
    folders = head_folders(out, recipe.heads)
    for i, (head, folder) in enumerate(zip(recipe.heads, folders, strict=True)):
        alone, seen = network.alone(i), Seen(source, parts, head)
        own = replace(recipe, heads=(head,))
        train_by_step(
            alone,
            seen,
            folder,
            own,
            stage=folder.name,
            progress=progress,
            checkpoint_seconds=checkpoint_seconds,
            finish=partial(_whiten, alone, seen, train, recipe.whitening),
        )
    save_network(network, out, recipe)
    return network.eval()


@torch.no_grad()
def _whiten(alone: CompactNet, seen: Seen, models: np.ndarray, shrinkage: float | None) -> None:
    if shrinkage is None:
        return
    some = models[:: max(1, len(models) // 500)]
    embeddings = torch.stack([alone(signal) for signal in signals_of(seen, some)])
    alone.heads[0].whitening.fit(embeddings, shrinkage)
