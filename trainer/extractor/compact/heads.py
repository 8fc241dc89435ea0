"""The heads of the compact network: what each sees, and which images it learns from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from trainer.extractor.compact.network import Head, Parts
from trainer.extractor.features import FAINT, PROCESSED, RENDERED
from trainer.extractor.source import Source

SEEN = (("residual",), ("image",), ("coefficients",), ("periods",), ("relations",))
"""What the heads see, all of it parts of `CompactSignal`."""
HEADS = tuple(Head(seen, (RENDERED, *PROCESSED, FAINT), linear=True) for seen in SEEN)
"""Heads that also learn from recompressed, blurred, noisy and fainter copies (Appendix A)."""
CONVOLUTIONS = tuple(replace(head, linear=False) for head in HEADS)
"""The same as convolutions, trained step by step: what losses and samplers are compared on."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What `head` sees of a source: its parts of the signal, in its variants of the images."""

    parent: Source
    all_parts: Parts
    head: Head

    @property
    def models(self) -> tuple[str, ...]:
        return self.parent.models

    @property
    def block(self) -> np.ndarray:
        return self.parent.block

    @property
    def images(self) -> int:
        return self.parent.images

    @property
    def kept(self) -> tuple[int, ...]:
        """The variants, as the source counts them; a source of fewer gives those it has."""
        return tuple(v for v in self.head.variants if v < self.parent.variants)

    @property
    def variants(self) -> int:
        return len(self.kept)

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parts that `fetch` gives side by side, in the signal's order."""
        return {name: shape for name, shape in self.all_parts.items() if name in self.head.parts}

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> Tensor:
        signals = self.parent.fetch(model, image, np.array(self.kept)[variant]).flatten(1)
        return take(signals, self.all_parts, tuple(self.parts))

    def photographs(self, variant: int) -> Tensor | None:
        signals = self.parent.photographs(self.kept[variant])
        if signals is None:
            return None
        return take(signals.flatten(1), self.all_parts, tuple(self.parts))


def take(signals: Tensor, parts: Parts, names: tuple[str, ...]) -> Tensor:
    """The numbers (N, …) of the parts `names`, in the order of the signal's `parts`."""
    sizes = [math.prod(shape) for shape in parts.values()]
    pieces = dict(zip(parts, signals.split(sizes, dim=1), strict=True))
    return torch.cat([piece for name, piece in pieces.items() if name in names], dim=1)
