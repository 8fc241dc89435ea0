"""The questions that `trainer ablate` answers, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.experiments.ablation import families, recipes
from trainer.experiments.ablation.variants import Setting, Variant


@dataclass(frozen=True)
class Question:
    """`reproduces` is the paper's table, or what the question goes beyond."""

    title: str
    reproduces: str
    variants: Callable[[Setting], list[Variant]]


QUESTIONS = {
    "synthesis": Question("Reduced families of synthetic models", "Table III", families.synthesis),
    "seeds": Question("Seeds for each architecture", "Table IV", families.seeds),
    "photos": Question("Photographs that are rendered", "Table V", families.photos),
    "signal": Question("Signal that the network sees", "Table VI", recipes.signal),
    "windows": Question("Windows of an image", "Table VII", recipes.windows),
    "size": Question("Number of synthetic models", "section III-B, beyond it", families.size),
    "reconstruction": Question(
        "Faithful and coarse models", "section III-B, beyond it", families.reconstruction
    ),
    "pools": Question("Pools of synthetic models", "section III-B, beyond it", families.pools),
    "processing": Question(
        "Processing between model and residual", "Appendix A, beyond it", recipes.processing
    ),
    "loss": Question("Losses", "section III-C, beyond it", recipes.loss),
    "heads": Question("Heads of the network", "section III-C, beyond it", recipes.heads),
}
