"""What makes the compact model besides pools, photographs and denoiser: the shipped recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import nn

from trainer.extractor.compact.contents import ContentsRecipe
from trainer.extractor.compact.discriminant import Discriminant
from trainer.extractor.compact.heads import HEADS, Head, Parts
from trainer.extractor.compact.network import CompactNet
from trainer.signal import CompactSignal


@dataclass(frozen=True)
class CompactRecipe:
    """Five linear heads, fitted in closed form (docs/method.md#discriminant).

    Attributes:
        heads: what each sees and learns from.
        embedding: numbers of each head.
        shrinkage: of the scatter within a model, towards its mean variance.
        contents_weight: of the photographs' scatter beside it.
        contents: how contents are told and subtracted; None to subtract nothing.
        sample: signals that the input is standardised by.
        held_out: share of architectures, and of photographs, kept for calibration.
        seed: of the sample.
    """

    method: ClassVar[str] = "compact"

    heads: tuple[Head, ...] = HEADS
    embedding: int = 128
    shrinkage: float = 0.01
    contents_weight: float = 5.0
    contents: ContentsRecipe | None = field(default_factory=ContentsRecipe)
    sample: int = 4096
    held_out: float = 0.1
    seed: int = 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CompactRecipe:
        """The recipe that `dataclasses.asdict` and JSON turned into `values`."""
        contents = values["contents"]
        nested = {
            "heads": tuple(Head.from_dict(head) for head in values["heads"]),
            "contents": None if contents is None else ContentsRecipe(**contents),
        }
        return cls(**values | nested)

    def signal(self, denoiser: nn.Module) -> CompactSignal:
        """What the network sees."""
        return CompactSignal(denoiser)

    def network(self, parts: Parts) -> CompactNet:
        """The network, not fitted, on a signal of these `parts`."""
        modules = [
            Discriminant(head.seen(parts), self.embedding, self.contents) for head in self.heads
        ]
        return CompactNet(parts, self.heads, modules)
