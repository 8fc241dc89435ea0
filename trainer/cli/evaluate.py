"""Score a model on real generators (paper IV)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import DecodersOption, ImagesOption


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="Model name, folder or ONNX file.")],
    images: ImagesOption,
    decoders: DecodersOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores as JSON.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Folder for a page of the scores, for `trainer report`.")
    ] = None,
    galleries: Annotated[int, typer.Option(help="Random galleries.", min=1)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs of either kind.", min=1)] = 5000,
) -> None:
    """Score a model on images of real generators (paper, section IV)."""
    import fingerprint_sdk
    from trainer.evaluation import evaluate as run
    from trainer.evaluation import print_table, write_json
    from trainer.progress import bars

    loaded = fingerprint_sdk.load(model)
    scores = {}
    with bars() as progress:
        for folder in images:
            scores[folder.name] = run(
                loaded, folder, decoders, galleries=galleries, pairs=pairs, progress=progress
            )
    print_table(scores)
    if out is not None:
        write_json(out, scores)
    if page is not None:
        from trainer.experiments.page import write_experiment
        from trainer.experiments.scores_page import scores_experiment

        say(f"{write_experiment(page, scores_experiment(scores))}")
