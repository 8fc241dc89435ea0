"""Train synthetic models, and look at a pool of them (paper III-B)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import PhotosOption, app, pool_app
from trainer.cli.shared.options import ShardOption
from trainer.shard import WHOLE


@app.command()
def synthesize(
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the pool; a killed run resumes.")],
    architectures: Annotated[
        str, typer.Option(help="`paper288`, `extended:N`, or ids split by commas.")
    ] = ("paper288"),
    seeds: Annotated[int, typer.Option(help="Models per architecture.", min=1)] = 20,
    width: Annotated[int, typer.Option(help="Channels of the last block (paper288).")] = 32,
    steps: Annotated[
        int, typer.Option(help="Steps of descent, of all layers; 0: none.", min=0)
    ] = 150,
    floor: Annotated[float, typer.Option(help="η: no gradient below this error.")] = 0.005,
    closed_form: Annotated[
        bool, typer.Option(help="Solve the last convolution before and after the descent.")
    ] = True,
    workers: Annotated[int, typer.Option(help="Processes, one core each.", min=1)] = 2,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    shard: ShardOption = None,
) -> None:
    """Train synthetic models (paper III-B).

    Several processes, on one machine or on many, may fill the same folder: none makes what another
    has made or is making.
    """
    from trainer.progress import bars
    from trainer.synthesis import SynthesisRecipe, named_architectures
    from trainer.synthesis import synthesize as run

    recipe = SynthesisRecipe(floor=floor, steps=steps, closed_form=closed_form)
    chosen = named_architectures(architectures, width)
    with bars() as progress:
        entries = run(
            photos,
            out,
            chosen,
            tuple(range(seeds)),
            recipe,
            workers=workers,
            device=device,
            shard=shard or WHOLE,
            progress=progress,
        )
    say(f"{out}: {len(entries)} synthetic models")


@pool_app.command()
def info(
    pool: Annotated[Path, typer.Argument(help="Folder made by `trainer synthesize`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count a pool's models by axis; show their errors, their cost and their recipe."""
    from trainer.synthesis.summary import summarise_pool, summary_table

    summary = summarise_pool(pool)
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
    else:
        from rich.console import Console

        Console().print(summary_table(summary, str(pool)))
