"""A model's card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app


@app.command()
def card(
    model: Annotated[Path, typer.Argument(help="Folder of the model, e.g. zoo/NAME.")],
    scores: Annotated[Path, typer.Option(help="JSON of `trainer evaluate --out`.", exists=True)],
    run: Annotated[
        Path | None, typer.Option(help="Run the model came from; default: its own run.json.")
    ] = None,
    known: Annotated[
        Path | None, typer.Option(help="JSON of `trainer evaluate --known --out`.", exists=True)
    ] = None,
    beside: Annotated[
        Path | None, typer.Option(help="JSON of another model's scores, to compare.", exists=True)
    ] = None,
) -> None:
    """Write a model's card from its scores."""
    from trainer.export.card import write_card

    say(f"{write_card(model, scores, run, known, beside)}")
