"""Rivals against our model (paper IV-D)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import CACHE, DecodersOption, ImageSetOption, SeenOption


@app.command()
def compare(
    images: ImageSetOption,
    out: Annotated[Path, typer.Option(help="Folder of the page; a killed comparison resumes.")],
    run: Annotated[
        Path | None, typer.Option(help="Finished extractor run: zero-shot and fine-tuned.")
    ] = None,
    model: Annotated[str, typer.Option(help="Without --run: model name or folder.")] = "compact",
    rivals: Annotated[str, typer.Option(help="Names split by commas, or `all`.")] = "all",
    seen: SeenOption = None,
    training: Annotated[
        Path | None, typer.Option(help="Image set with more images of the seen generators.")
    ] = None,
    decoders: DecodersOption = None,
    train_share: Annotated[float, typer.Option(help="Share of a seen one's images.")] = 0.4,
    steps: Annotated[int | None, typer.Option(help="Training steps a rival.", min=1)] = None,
    full: Annotated[bool, typer.Option("--full", help="The papers' scale; wants a GPU.")] = False,
    processing: Annotated[
        str,
        typer.Option("--as", help="What all images become first: jpeg85, webp80, scale0.7."),
    ] = "as is",
    galleries: Annotated[int, typer.Option(help="Random galleries.", min=1)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs of either kind.", min=1)] = 5000,
    seed: Annotated[int, typer.Option(help="Seed of the split.", min=0)] = 0,
) -> None:
    """Rivals and our model on seen and on unseen generators (paper, Tables VIII and IX)."""
    from dataclasses import replace

    from trainer.evaluation import read_image_set
    from trainer.experiments.comparison import CompareRecipe, experiment, split_image_set
    from trainer.experiments.comparison import compare as run_comparison
    from trainer.experiments.page import write_experiment
    from trainer.experiments.rivals import FULL, MINUTES, RIVALS
    from trainer.progress import bars

    budget = FULL if full else MINUTES
    recipe = CompareRecipe(
        rivals=RIVALS if rivals == "all" else tuple(filter(None, rivals.split(","))),
        budget=replace(budget, steps=steps or budget.steps),
        full=full,
        galleries=galleries,
        pairs=pairs,
        processing=processing,
    )
    image_set = read_image_set(images, decoders)
    split = split_image_set(
        image_set,
        seen=seen or (),
        training=None if training is None else read_image_set(training),
        train_share=train_share,
        seed=seed,
    )
    with bars() as progress:
        comparison = run_comparison(
            image_set, split, out / CACHE, recipe, run=run, model=model, progress=progress
        )
    say(f"{write_experiment(out, experiment(comparison))}")
