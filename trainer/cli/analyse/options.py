"""Options that the commands of the analysis share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trainer.experiments.analysis import GeneratorRecipe

PoolOption = Annotated[
    Path | None, typer.Option(help="Pool made by `trainer synthesize`.", exists=True)
]
StepsOption = Annotated[int, typer.Option(help="Training steps of a small generator.", min=0)]
SideOption = Annotated[int, typer.Option(help="Side of its images, a power of two.", min=16)]
WidthOption = Annotated[int, typer.Option(help="Channels of its last block.", min=1)]
SamplesOption = Annotated[int, typer.Option(help="Images drawn from each generator.", min=2)]
SeedOption = Annotated[int, typer.Option(help="Seed of crops and generators.", min=0)]
TrainOption = Annotated[
    bool,
    typer.Option("--full", help="The paper's scale: 40,000 steps, 128 px, 64 channels (GPU)."),
]
GENERATORS = (
    "The paper trains ProGAN and SNGAN on CelebA at 128 px: --full trains 40,000 steps, 128 px, "
    "64 channels, for a GPU."
)


def generator_recipe(full: bool, steps: int, side: int, width: int) -> GeneratorRecipe:
    """As the options ask for, or at the paper's scale and on the GPU where there is one."""
    from trainer.experiments.analysis import GeneratorRecipe

    if not full:
        return GeneratorRecipe(steps=steps, side=side, width=width)
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return GeneratorRecipe(steps=40_000, side=128, width=64, device=device)
