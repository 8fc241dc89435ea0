"""Calibrate a run and write it as a model folder (paper III-C)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import PhotosOption, app


@app.command()
def export_onnx(
    run: Annotated[Path, typer.Argument(help="Folder of a finished `trainer extractor` run.")],
    out: Annotated[Path, typer.Option(help="Folder of the model, e.g. zoo/NAME.")],
    photos: PhotosOption,
    version: Annotated[str, typer.Option(help="Version of the model.")] = "1.0.0",
    license: Annotated[str, typer.Option(help="Licence of the weights.")] = "Apache-2.0",
    models: Annotated[int, typer.Option(help="Held-out models to calibrate on.", min=3)] = 120,
    settings: Annotated[
        int, typer.Option(help="Settings of each kind of processing, for the cohort.", min=1)
    ] = 60,
) -> None:
    """Calibrate a run on held-out models and write it as one ONNX file."""
    from trainer.export.run import export_run
    from trainer.progress import bars

    with bars() as progress:
        path = export_run(
            run,
            out,
            photos,
            version=version,
            license=license,
            models=models,
            settings=settings,
            progress=progress,
        )
    say(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, parity with torch checked")
