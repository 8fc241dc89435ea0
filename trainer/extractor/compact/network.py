"""The compact network we ship: heads on the parts of a signal, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.extractor.compact.heads import Head, Parts


class CompactNet(nn.Module):
    """Heads on the parts of a signal, their unit embeddings side by side.

    (N, L) -> (N, embedding): `parts` gives the shape of each part of the flat signal in its order
    (see `CompactSignal`). The signal is standardised number by number with the statistics that
    `fit_input` measured (a spectrum falls steeply, so a bin is told by its deviation). One module
    for each head, `modules`, maps the parts that the head sees to its embedding and knows its
    size by `embedding`: linear `Discriminant`s in what we ship. Each is fitted by itself: one that
    may not look at the image's own spectrum cannot learn its contents. Equations:
    docs/method.md#network.
    """

    def __init__(self, parts: Parts, heads: Sequence[Head], modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts, self.chosen = dict(parts), tuple(heads)
        self.sizes = [math.prod(shape) for shape in self.parts.values()]
        self.register_buffer("mean", torch.zeros(sum(self.sizes)))
        self.register_buffer("scale", torch.ones(sum(self.sizes)))
        self.heads = nn.ModuleList(modules)
        self.embedding = sum(module.embedding for module in modules)

    def fit_input(self, signals: Tensor) -> None:
        """Take mean and deviation of each input number from `signals` (N, L)."""
        self.mean.copy_(signals.flatten(1).float().mean(0))
        self.scale.copy_(1.0 / signals.flatten(1).float().std(0).clamp(min=1e-3))

    def alone(self, index: int) -> CompactNet:
        """The network of one head: it shares the head, and trains it in place."""
        head = self.chosen[index]
        seen = head.seen(self.parts)
        network = CompactNet(seen, (head,), (self.heads[index],))
        statistics = (
            dict(zip(self.parts, x.split(self.sizes), strict=True))
            for x in (self.mean, self.scale)
        )
        for own, whole in zip((network.mean, network.scale), statistics, strict=True):
            own.copy_(torch.cat([whole[name] for name in seen]))
        return network

    def forward(self, signal: Tensor) -> Tensor:
        parts = self.split(signal)
        return torch.cat([functional.normalize(head(parts), dim=1) for head in self.heads], dim=1)

    def standardised(self, signal: Tensor) -> Tensor:
        """The signal number by number less its mean, in deviations: (N, L)."""
        return (signal.flatten(1) - self.mean) * self.scale

    def split(self, signal: Tensor) -> dict[str, Tensor]:
        """Each part of the signal, standardised, in its shape."""
        flat = self.standardised(signal).split(self.sizes, dim=1)
        return {
            name: numbers.reshape(-1, *shape)
            for (name, shape), numbers in zip(self.parts.items(), flat, strict=True)
        }
