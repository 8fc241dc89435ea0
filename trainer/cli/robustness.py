"""Identify images after processing (paper, Fig. 16)."""

from __future__ import annotations

from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import CACHE, FullOption, ImageSetOption, ModelsOption, OutOption


@app.command()
def robustness(
    model: ModelsOption,
    images: ImageSetOption,
    out: OutOption,
    operation: Annotated[
        list[str] | None,
        typer.Option(
            help="jpeg, crop-resize, resize, blur, noise, webp, screenshot; repeatable; "
            "default: all."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Images of each generator.", min=11)] = 15,
    full: FullOption = False,
    galleries: Annotated[int, typer.Option(help="Random galleries.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Of the first gallery.", min=0)] = 0,
) -> None:
    """Identify images after JPEG, cropping, resizing, blur, noise and more (paper, Fig. 16)."""
    from trainer.cli.shared.options import load_models
    from trainer.experiments.page import write_experiment
    from trainer.experiments.robustness.page import robustness_experiment as run
    from trainer.progress import bars

    with bars() as progress:
        experiment = run(
            load_models(model),
            images,
            operation or (),
            limit=None if full else limit,
            fine=full,
            galleries=galleries,
            seed=seed,
            cache=out / CACHE,
            progress=progress,
        )
    say(f"{write_experiment(out, experiment)}")
