"""The compact network we ship: heads on the parts of a signal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.extractor.compact.discriminant import Discriminant
from trainer.extractor.compact.whitening import Whitening
from trainer.extractor.features import PROCESSED, RENDERED

Parts = Mapping[str, tuple[int, ...]]
"""Names and shapes (channels, rows, columns) of the parts of a flat signal, in their order."""


@dataclass(frozen=True)
class Head:
    """One head of `CompactNet`.

    Attributes:
        parts: names of the parts of the signal that it sees.
        variants: variants of each image (`FeatureRecipe`) that it learns from.
        linear: whether it is a linear `Discriminant` instead of convolutions.
    """

    parts: tuple[str, ...]
    variants: tuple[int, ...] = (RENDERED, *PROCESSED)
    linear: bool = False


class CompactNet(nn.Module):
    """Small heads on the parts of a signal, their unit embeddings side by side.

    (N, L) -> (N, embedding): `parts` gives the shape of each part of the flat signal in its order
    (see `CompactSignal`), and `embedding` counts all heads. The signal is standardised number by
    number with the statistics that `fit_input` measured (a spectrum falls steeply, so a bin is
    told by its deviation). Heads are trained each by itself: one that may not look at the image's
    own spectrum cannot learn its contents. Then each head's embedding is whitened (`fit_output`),
    unless it is linear: a discriminant's is already.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        heads: tuple[Head, ...],
        widths: tuple[int, ...] = (32, 64, 96),
        embedding: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.parts = dict(parts)
        self.sizes = [math.prod(shape) for shape in self.parts.values()]
        self.register_buffer("mean", torch.zeros(sum(self.sizes)))
        self.register_buffer("scale", torch.ones(sum(self.sizes)))
        self.heads = nn.ModuleList()
        for head in heads:
            seen = {name: self.parts[name] for name in head.parts}
            self.heads.append(
                Discriminant(seen, embedding)
                if head.linear
                else _Head(seen, widths, embedding, dropout)
            )
        self.whitenings = nn.ModuleList(Whitening(embedding) for _ in heads)
        self.chosen = heads
        self.embedding = len(heads) * embedding

    def fit_input(self, features: Tensor) -> None:
        """Take mean and deviation of each input number from `features` (N, L)."""
        self.mean.copy_(features.flatten(1).float().mean(0))
        self.scale.copy_(1.0 / features.flatten(1).float().std(0).clamp(min=1e-3))

    def fit_output(self, embeddings: Tensor, shrinkage: float) -> None:
        """Fit each head's whitening to this network's `embeddings` (models, images, D)."""
        parts = embeddings.chunk(len(self.heads), dim=-1)
        for whitening, part in zip(self.whitenings, parts, strict=True):
            whitening.fit(part, shrinkage)

    def alone(self, index: int) -> CompactNet:
        """The network of one head: it shares the head, and trains it in place."""
        head = self.chosen[index]
        means, scales = (x.split(self.sizes) for x in (self.mean, self.scale))
        kept = [i for i, name in enumerate(self.parts) if name in head.parts]
        network = CompactNet(
            {name: shape for name, shape in self.parts.items() if name in head.parts},
            heads=(head,),
        )
        network.mean.copy_(torch.cat([means[i] for i in kept]))
        network.scale.copy_(torch.cat([scales[i] for i in kept]))
        network.heads[0], network.whitenings[0] = self.heads[index], self.whitenings[index]
        network.embedding = self.embedding // len(self.heads)
        return network

    def forward(self, signal: Tensor) -> Tensor:
        parts = self.split(signal)
        embeddings = [
            whitening(functional.normalize(head(parts), dim=1))
            for head, whitening in zip(self.heads, self.whitenings, strict=True)
        ]
        return torch.cat(embeddings, dim=1)

    def split(self, signal: Tensor) -> dict[str, Tensor]:
        """Each part of the signal, standardised, in its shape."""
        flat = ((signal.flatten(1) - self.mean) * self.scale).split(self.sizes, dim=1)
        return {
            name: numbers.reshape(-1, *shape)
            for (name, shape), numbers in zip(self.parts.items(), flat, strict=True)
        }


class _Head(nn.Module):
    """Parts of one size are stacked; each size has 3×3 convolutions of its own, one a width.

    A convolution has stride 2 while a side is over 5, and one linear layer follows them, which
    still knows every bin's place.
    """

    def __init__(
        self, parts: Parts, widths: tuple[int, ...], embedding: int, dropout: float
    ) -> None:
        super().__init__()
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

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        maps = [
            stack(torch.cat([parts[name] for name in names], dim=1))
            for stack, names in zip(self.stacks, self.names.values(), strict=True)
        ]
        return self.last(torch.cat(maps, dim=1))
