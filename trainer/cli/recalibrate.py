"""Calibrate a model folder anew, without training (paper III-C)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import PhotosOption, app


@app.command()
def recalibrate(
    model: Annotated[Path, typer.Argument(help="Folder of a model that `export-onnx` made.")],
    pool: Annotated[list[Path], typer.Option(help="Pool of synthetic models; more than once.")],
    photos: PhotosOption,
    version: Annotated[str, typer.Option(help="Version of the model from now on.")],
    models: Annotated[int, typer.Option(help="Held-out models to calibrate on.", min=3)] = 120,
    settings: Annotated[
        int, typer.Option(help="Settings of each kind of processing, for the cohort.", min=1)
    ] = 60,
) -> None:
    """Calibrate a model anew by today's recipe; its network and its embeddings stay.

    Of the pools only the models count that the network never saw. A built-in gallery stays;
    galleries and indexes of your own are another model's from now on.
    """
    from trainer.export.recalibrate import recalibrate as run
    from trainer.progress import bars

    with bars() as progress:
        path = run(
            model,
            pool,
            photos,
            version=version,
            models=models,
            settings=settings,
            progress=progress,
        )
    say(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
