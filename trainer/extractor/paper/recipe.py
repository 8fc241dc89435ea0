"""What makes the paper's extractor besides pool, photographs and denoiser (Appendix B)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from trainer.extractor.paper.resnet import ResNet50
from trainer.extractor.paper.sampling import Sampler
from trainer.extractor.paper.train import Descent
from trainer.signal import PaperSpectrum


@dataclass(frozen=True)
class PaperRecipe:
    """Appendix B: batch 200, learning rate 1e-4, warm-up cosine, margin 0.3, 40 epochs of ~1,000
    steps (docs/method.md#paper).

    Attributes:
        width: channels of the network's first layer; 64 makes it ResNet-50.
        models, images: P models × K images a batch; the paper's code drew images independently.
        steps, learning_rate, weight_decay, warmup: see `Descent`.
        classification, triplet: weights of the paper's two losses.
        margin: of the triplet loss.
        held_out: share of architectures kept for validation and calibration.
        seed: of weights and batches.
    """

    method: ClassVar[str] = "paper"

    width: int = 64
    models: int = 50
    images: int = 4
    steps: int = 40_000
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    classification: float = 1.0
    triplet: float = 1.0
    margin: float = 0.3
    held_out: float = 0.1
    seed: int = 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PaperRecipe:
        """The recipe that `dataclasses.asdict` and JSON turned into `values`."""
        return cls(**values)

    @property
    def descent(self) -> Descent:
        """The training by steps."""
        return Descent(
            sampler=Sampler(models=self.models, images=self.images),
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup=self.warmup,
            classification=self.classification,
            triplet=self.triplet,
            margin=self.margin,
        )

    def signal(self, denoiser: nn.Module) -> PaperSpectrum:
        """What the network sees."""
        return PaperSpectrum(denoiser)

    def network(self, parts: Mapping[str, tuple[int, ...]]) -> ResNet50:
        """The network, not trained; the signal has one part."""
        return ResNet50(self.width)
