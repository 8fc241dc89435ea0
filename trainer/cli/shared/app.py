"""The typer application, its errors and the options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.commands import ERROR, Commands, let_go
from fingerprint_sdk.cli.shared.output import note
from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.files import named

_EXTRA = ("torch", "onnx", "onnxscript", "onnxruntime", "sklearn", "scipy", "matplotlib", "jinja2")


class _Commands(Commands):
    """Turns bad input into one message on stderr and exit code 2; a bug keeps its traceback."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # nobody reads what is printed
            raise
        except (FingerprintError, ValueError, OSError) as error:
            let_go()
            note(f"error: {_told(error)}")
            raise typer.Exit(ERROR) from error
        except ModuleNotFoundError as error:
            if error.name not in _EXTRA:
                raise
            needed = 'pip install ".[trainer]" in a copy of the repository'
            note(f"error: training needs {error.name}: {needed}")
            raise typer.Exit(ERROR) from error


def _told(error: Exception) -> str:
    """In words that name the file, where the system refuses one."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot use {named(error.filename)}: {error.strerror}"
    return str(error)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From a folder of photographs to a published fingerprint model.",
)
pool_app = typer.Typer(no_args_is_help=True, help="Look at a pool of synthetic models.")
app.add_typer(pool_app, name="pool")

PhotosOption = Annotated[Path, typer.Option(help="Folder of real photographs.", exists=True)]
