"""What makes an extractor besides the pool: the shipped recipe and the paper's (Appendix B)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from trainer.extractor.compact.heads import HEADS
from trainer.extractor.compact.network import Head
from trainer.extractor.paper.sampling import Sampler


@dataclass(frozen=True)
class ExtractorRecipe:
    """Everything that makes an extractor besides the pool. A loss of weight 0 is off.

    Every head is trained by itself for `steps`, but for linear ones, which are fitted with
    `shrinkage` and with photographs of the weight `contents` (`Discriminant.fit`). From their
    embeddings what contents predict is subtracted, with a share `mean` of the photographs' mean.
    `whitening` is the shrinkage of the trained heads' within-class covariance, None for none.
    """

    name: str = "compact"
    heads: tuple[Head, ...] = HEADS
    widths: tuple[int, ...] = (32, 64, 96)
    embedding: int = 128
    dropout: float = 0.0
    steps: int = 3000
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    classification: float = 1.0
    triplet: float = 1.0
    contrastive: float = 0.0
    margin: float = 0.3
    cosine_margin: float = 0.2
    temperature: float = 0.1
    whitening: float | None = 0.2
    shrinkage: float = 0.01
    contents: float = 5.0
    mean: float | None = 0.5
    held_out: float = 0.1
    seed: int = 0
    checkpoint_seconds: float = 120.0
    sampler: Sampler = field(default_factory=Sampler)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExtractorRecipe:
        """The recipe that `dataclasses.asdict` turned into `values`."""
        heads = tuple(
            Head(tuple(head["parts"]), tuple(head["variants"]), head["linear"])
            for head in values["heads"]
        )
        nested = {"heads": heads, "sampler": Sampler(**values["sampler"])}
        return cls(**values | nested | {"widths": tuple(values["widths"])})

    def hash(self, *inputs: str) -> str:
        """Identifies the recipe and what else made the model (pools, denoiser, photographs)."""
        text = json.dumps(asdict(self), sort_keys=True) + "".join(inputs)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


COMPACT = ExtractorRecipe()
# Appendix B: batch 200, learning rate 1e-4, warm-up cosine, margin 0.3, 40 epochs of ~1,000 steps.
PAPER = ExtractorRecipe(
    name="paper",
    embedding=2048,
    steps=40_000,
    learning_rate=1e-4,
    weight_decay=0.01,
    cosine_margin=0.0,
    sampler=Sampler(
        models=50, images=4, confusable=0.0, shared_contents=0.0, processed=0.0, averaged=1
    ),
)
RECIPES = {recipe.name: recipe for recipe in (COMPACT, PAPER)}
