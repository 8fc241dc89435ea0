"""Where fingerprints come from: the paper's section III-A as commands, a file each."""

from __future__ import annotations

import typer

from trainer.cli.analyse import blocks, components, kernels, spectrum
from trainer.cli.shared.app import app

analyse_app = typer.Typer(no_args_is_help=True, help="Where fingerprints come from (paper III-A).")
app.add_typer(analyse_app, name="analyse")
for _command in (spectrum.spectrum, components.components, kernels.kernels, blocks.blocks):
    analyse_app.command()(_command)
