"""The heads of the compact network: what each sees, and which images it learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.extractor.source import Source
from trainer.extractor.variants import FAINT, PROCESSED, RENDERED
from trainer.synthesis import ModelId

Parts = Mapping[str, tuple[int, ...]]
"""Names and shapes (channels, rows, columns) of the parts of a flat signal, in their order."""


@dataclass(frozen=True)
class Head:
    """One head of `CompactNet`.

    Attributes:
        parts: names of the parts of the signal that it sees.
        variants: variants of each image (`trainer.extractor.variants`) that it learns from.
    """

    parts: tuple[str, ...]
    variants: tuple[int, ...] = (RENDERED, *PROCESSED, FAINT)

    @classmethod
    def from_dict(cls, values: Mapping[str, list[object]]) -> Head:
        """The head that `dataclasses.asdict` and JSON turned into `values`."""
        return cls(**{name: tuple(value) for name, value in values.items()})

    def seen(self, parts: Parts) -> dict[str, tuple[int, ...]]:
        """Those of `parts` that the head sees, in the signal's order."""
        return {name: shape for name, shape in parts.items() if name in self.parts}


HEADS = tuple(
    Head((part,)) for part in ("residual", "image", "coefficients", "periods", "relations")
)
"""One for each part of `CompactSignal`; all also learn from recompressed, blurred, noisy and
fainter copies (Appendix A)."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What `head` sees of a source: its parts of the signal, in its variants of the images."""

    parent: Source
    all_parts: Parts
    head: Head

    @property
    def models(self) -> tuple[ModelId, ...]:
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

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> Tensor:
        signals = self.parent.fetch(model, image, np.array(self.kept)[variant]).flatten(1)
        return take(signals, self.all_parts, self.head)

    def photographs(self, variant: int) -> Tensor | None:
        signals = self.parent.photographs(self.kept[variant])
        return None if signals is None else take(signals.flatten(1), self.all_parts, self.head)


def take(signals: Tensor, parts: Parts, head: Head) -> Tensor:
    """The numbers (N, …) of flat `signals` that `head` sees, in the order of the `parts`."""
    sizes = [math.prod(shape) for shape in parts.values()]
    pieces = dict(zip(parts, signals.split(sizes, dim=1), strict=True))
    return torch.cat([piece for name, piece in pieces.items() if name in head.parts], dim=1)
