"""Join the laboratory's experiments into one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder that the experiments are in.")],
    out: Annotated[
        Path | None, typer.Option(help="The page; default: FOLDER/report.html.")
    ] = None,
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Laboratory report",
    run: Annotated[
        bool, typer.Option("--run", help="First run what is missing and the inputs allow.")
    ] = False,
    model: Annotated[
        list[str] | None, typer.Option(help="--run: model name, folder or file; repeatable.")
    ] = None,
    images: Annotated[
        list[Path] | None, typer.Option(help="--run: image set of real generators; repeatable.")
    ] = None,
    photos: Annotated[Path | None, typer.Option(help="--run: folder of photographs.")] = None,
    pool: Annotated[Path | None, typer.Option(help="--run: pool of synthetic models.")] = None,
    lineage: Annotated[
        Path | None, typer.Option(help="--run: image set with the base models.")
    ] = None,
    base: Annotated[list[str] | None, typer.Option(help="--run: base model; repeatable.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="--run: at the paper's scale; wants a GPU.")
    ] = False,
) -> None:
    """Build one self-contained page of all experiments in a folder."""
    from trainer.experiments.plan import Inputs, plan_run
    from trainer.experiments.report import collect, write_report

    failed = []
    if run:
        folder.mkdir(parents=True, exist_ok=True)
        found = {section.record["name"] for section in collect(folder)}
        inputs = Inputs(model or (), images or (), photos, pool, lineage, base or ())
        for name, arguments in plan_run(inputs, folder, full=full).items():
            if name not in found:
                say(f"trainer {' '.join(arguments)}")
                if _run(arguments):
                    failed.append(name)
    say(f"{write_report(folder, out or folder / 'report.html', title)}")
    if failed:
        raise ValueError(f"these failed and are not in the report: {', '.join(failed)}")


def _run(arguments: list[str]) -> int:
    """Run another command in this process, recorded in its page under its own name.

    Returns its exit code; it has said itself what went wrong.
    """
    before = sys.argv
    sys.argv = ["trainer", *arguments]
    try:
        return int(app(arguments, standalone_mode=False) or 0)
    finally:
        sys.argv = before
