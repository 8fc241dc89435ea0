"""The ``fingerprint`` command.

Exit codes: 0 done (``verify``: same generator), 1 ``verify`` only: different generators (``models
verify``: a damaged model), 2 any error, 3 ``verify`` only: inconclusive, 130 interrupted, 141 when
nobody reads the results. Results go to stdout, everything else to stderr.

Only typer is imported here; what computes is imported inside the commands, so that help and
completion stay quick.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated, Any

import typer

from fingerprint_sdk import __version__
from fingerprint_sdk.cli import (
    cluster,
    embed,
    enroll,
    explain,
    gallery,
    identify,
    index,
    info,
    models,
    report,
    search,
    serve,
    verify,
    web,
)
from fingerprint_sdk.cli.shared.commands import ERROR, Commands, let_go
from fingerprint_sdk.cli.shared.output import note
from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.text import visible


class _Commands(Commands):
    """Turns every error into one message on stderr and exit code 2.

    An uncaught exception would exit with 1, which ``verify`` uses to say "different".
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # a full disk is found out here, not after the exit code
        except BrokenPipeError:  # nobody reads what is printed, so there is nobody to tell
            raise
        except (FingerprintError, OSError) as error:
            let_go()
            note(f"error: {error}")
            raise typer.Exit(ERROR) from error
        except Exception as error:
            # Typer's own exceptions carry the exit code they ask for.
            if isinstance(error, typer.Abort) or hasattr(error, "exit_code"):
                raise
            for line in traceback.format_exc().splitlines():
                note(line)
            note("error: this is a bug in fingerprint_sdk; please report the lines above")
            raise typer.Exit(ERROR) from error


class _Visible(logging.Formatter):
    """What is logged may hold names of files and models."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(visible, super().format(record).splitlines()))


app = typer.Typer(
    name="fingerprint",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; for verify, 0 same generator, 1 different generators, 3 "
    "inconclusive; 2 any error; 141 nobody reads the results.",
)
for _command in (
    embed.embed,
    verify.verify,
    enroll.enroll,
    identify.identify,
    explain.explain,
    report.report,
    cluster.cluster,
    index.index,
    search.search,
    web.web,
    serve.serve,
    info.info,
):
    app.command()(_command)
app.add_typer(gallery.app, name="gallery")
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"fingerprint {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more on stderr about what is done.")
    ] = False,
) -> None:
    """Which generative model made this image? Fingerprints of image generators.

    Nothing is uploaded; images stay on this machine.
    """
    if verbose:  # without it, warnings reach stderr by themselves
        handler = logging.StreamHandler()
        handler.setFormatter(_Visible("%(levelname)s: %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
