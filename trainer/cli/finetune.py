"""Fine-tuning an extractor on seen generators (paper IV-A)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import ImageSetOption, SeenOption


@app.command()
def finetune(
    run: Annotated[Path, typer.Argument(help="Folder of a finished `trainer extractor` run.")],
    images: ImageSetOption,
    out: Annotated[Path, typer.Option(help="Folder of the new run.")],
    seen: SeenOption = None,
    epochs: Annotated[int, typer.Option(help="Passes over the images.", min=1)] = 1,
    crops: Annotated[int, typer.Option(help="Windows of an image in a pass.", min=1)] = 32,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-4,
    seed: Annotated[int, typer.Option(help="Seed of windows and order.", min=0)] = 0,
) -> None:
    """Fine-tune an extractor on generators you have images of (paper, IV-A)."""
    from fingerprint_sdk.images import load_image
    from trainer.evaluation import read_image_set
    from trainer.experiments.comparison.finetuning import FinetuneRecipe
    from trainer.experiments.comparison.finetuning import finetune as run_finetuning
    from trainer.progress import bars

    image_set = read_image_set(images)
    if unknown := set(seen or ()) - set(image_set.images):
        raise ValueError(f"{sorted(unknown)} are not in {images}: {', '.join(image_set.images)}")
    recipe = FinetuneRecipe(epochs=epochs, crops=crops, learning_rate=learning_rate, seed=seed)
    pixels = {
        name: [load_image(path).pixels for path in paths]
        for name, paths in image_set.images.items()
        if not seen or name in seen
    }
    with bars() as progress:
        run_finetuning(run, pixels, out, recipe, progress=progress)
    say(f"{out}: fine-tuned on {len(pixels)} generators; no longer zero-shot")
