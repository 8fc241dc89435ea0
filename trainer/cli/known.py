"""The built-in gallery of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app


@app.command()
def known(
    model: Annotated[Path, typer.Argument(help="Folder of the model, e.g. zoo/NAME.")],
    images: Annotated[
        Path, typer.Option(help="Folder that the manifest's files lie below.", exists=True)
    ],
    manifest: Annotated[Path, typer.Option(help="CSV that names every file.", exists=True)] = Path(
        "zoo/known.csv"
    ),
    families: Annotated[
        Path, typer.Option(help="TOML that describes the families.", exists=True)
    ] = Path("zoo/known.toml"),
) -> None:
    """Make the built-in gallery of a model, NAME/known.fpg, from images by known generators."""
    from trainer.known import build_known, read_families, read_manifest

    path = build_known(
        model, read_manifest(manifest), read_families(families), images, progress=say
    )
    say(f"{path}")
