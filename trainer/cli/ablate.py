"""What each part of the method is worth (paper IV-C)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import DecodersOption, ImagesOption, OutOption


@app.command()
def ablate(
    question: Annotated[
        str,
        typer.Argument(
            help="synthesis, seeds, photos, signal, windows (Tables III to VII); size, "
            "reconstruction, pools, processing, loss, heads."
        ),
    ],
    run: Annotated[
        Path, typer.Option(help="`trainer extractor` run whose features are computed.")
    ],
    images: ImagesOption,
    out: OutOption,
    steps: Annotated[
        int, typer.Option(help="Steps of variants that are trained by steps.", min=1)
    ] = 1000,
    full: Annotated[bool, typer.Option("--full", help="3,000 steps; hours a question.")] = False,
    seed: Annotated[
        list[int] | None, typer.Option(help="Of weights, batches, draws; repeatable.", min=0)
    ] = None,
    pool: Annotated[
        list[Path] | None,
        typer.Option(help="The run's pools, if they moved or it is unfinished; repeatable."),
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option(help="`photos`: folders of other photographs; with --rgb: the run's own."),
    ] = None,
    equal: Annotated[
        bool, typer.Option(help="Reduced families of equally many models (`synthesis`).")
    ] = True,
    models: Annotated[int, typer.Option(help="Models where they are rendered anew.", min=2)] = 240,
    rgb: Annotated[bool, typer.Option("--rgb", help="`signal`: compare pixels, too.")] = False,
    decoders: DecodersOption = None,
    galleries: Annotated[int, typer.Option(help="Random galleries.", min=1)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs of either kind.", min=1)] = 5000,
) -> None:
    """Train compact extractors that differ in one thing (paper, Tables III to VII).

    A killed command goes on; questions with the same --out share networks.
    """
    from trainer.experiments.ablation import ablate as answer
    from trainer.experiments.page import write_experiment
    from trainer.progress import bars

    with bars() as update:
        experiment = answer(
            question,
            run,
            images,
            out,
            steps=None if full else steps,
            seeds=tuple(dict.fromkeys(seed or (0,))),
            pools=pool or (),
            photos=photos or (),
            equal=equal,
            limit=models,
            rgb=rgb,
            decoders=decoders,
            galleries=galleries,
            pairs=pairs,
            progress=update,
        )
    say(f"{write_experiment(out, experiment)}")
