"""`trainer publish`: a finished model to the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app


@app.command()
def publish(
    model: Annotated[Path, typer.Argument(help="Folder of the model, e.g. zoo/NAME.")],
    repo_id: Annotated[str, typer.Option(help="Where to: owner/name on the Hub.")],
    run: Annotated[Path, typer.Option(help="Run the model came from: its weights are sent too.")],
    scores: Annotated[Path, typer.Option(help="JSON of `trainer evaluate --out`.", exists=True)],
    private: Annotated[bool, typer.Option("--private", help="Only you may read it.")] = False,
    branch: Annotated[
        str | None, typer.Option("--branch", "--revision", help="Branch; made if there is none.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and list the files, and send nothing.")
    ] = False,
) -> None:
    """Publish card, config, ONNX file and safetensors weights in one commit.

    Needs HF_TOKEN, or `hf auth login`. HF_ENDPOINT names another Hub.
    """
    from trainer.export.hub import collect
    from trainer.export.hub import publish as send

    uploads = collect(model, run, scores, repo_id)
    for file in uploads:
        say(f"{file.name:24}{len(file.content):>12} bytes  sha256 {file.sha256}")
    where = f"{repo_id}, branch {branch or 'main'}" + (", private" if private else "")
    if dry_run:
        say(f"nothing was sent to {where}")
        return
    message = f"Publish {model.absolute().name}"
    commit = send(uploads, repo_id, private=private, branch=branch, message=message)
    say(f"sent to {where}, commit {commit}")
    say(f"check it: fingerprint models verify {repo_id} --revision {commit}")
