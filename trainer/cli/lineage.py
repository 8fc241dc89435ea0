"""Trace variants to their base models (paper, IV-E)."""

from __future__ import annotations

from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import CACHE, DecodersOption, FullOption, ImageSetOption, OutOption


@app.command()
def lineage(
    model: Annotated[str, typer.Option(help="Model name, folder or ONNX file.")],
    images: ImageSetOption,
    base: Annotated[
        list[str], typer.Option(help="Base model, a generator of the image set; two or more.")
    ],
    out: OutOption,
    decoders: DecodersOption = None,
    limit: Annotated[int, typer.Option(help="Images of each model.", min=2)] = 15,
    full: FullOption = False,
    resamples: Annotated[int, typer.Option(help="Of the bootstrap.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Of the bootstrap and the map.", min=0)] = 0,
) -> None:
    """Trace models to the base they share a decoder with, and draw their tree (paper, IV-E).

    For example: --base sdxl-base-v10-vaefix --base flux.1-dev
    """
    import fingerprint_sdk
    from trainer.experiments.lineage.page import lineage_experiment as run
    from trainer.experiments.page import write_experiment
    from trainer.progress import bars

    with bars() as progress:
        experiment = run(
            fingerprint_sdk.load(model),
            images,
            base,
            decoders,
            limit=None if full else limit,
            resamples=1000 if full else resamples,
            seed=seed,
            cache=out / CACHE,
            progress=progress,
        )
    say(f"{write_experiment(out, experiment)}")
