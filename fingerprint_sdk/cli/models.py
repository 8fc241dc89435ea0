"""``fingerprint models``: which are here, fetching one, and checking one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk import zoo
from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.output import note, print_json, print_table, say
from fingerprint_sdk.errors import IntegrityError, ModelNotFoundError

if TYPE_CHECKING:
    from fingerprint_sdk.zoo import ModelDescription

DAMAGED = 1

app = typer.Typer(invoke_without_command=True)

Argument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="Bundled name, folder, or owner/name on the Hugging Face Hub.",
        show_default="the bundled default",
    ),
]


@app.callback()
def models(context: typer.Context, json: options.Json = False) -> None:
    """Models: list, download, verify. Without a command: list the bundled ones."""
    if context.invoked_subcommand is None:
        _print([_row(model, "bundled") for model in zoo.list_models()], json)


@app.command("list")
def list_all(json: options.Json = False) -> None:
    """List the bundled models, and those downloaded from the Hub.

    No network is used. HF_HOME says where the downloaded ones lie.
    """
    rows = [_row(model, "bundled") for model in zoo.list_models()]
    for cached in zoo.list_cached():
        row = _row(cached.description, f"{cached.repo_id}@{cached.commit}")
        rows.append(row | {"default": False, "path": str(cached.path)})
    _print(rows, json)


@app.command()
def download(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A model on the Hub.")],
    revision: options.Revision = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Fetch a model of the Hub into the cache, and check it.

    What is cached is used without any network call where its commit is named.

    HF_ENDPOINT, HF_HOME and HF_TOKEN are respected.

    [bold]Examples[/bold]

      fingerprint models download owner/name --revision 0123456789abcdef0123456789abcdef01234567
    """
    resolved = zoo.resolve(name, revision=revision, offline=offline)
    if resolved.repo_id is None:
        raise ModelNotFoundError(f"{name!r} is here already: only owner/name is downloaded")
    document = {
        "repo_id": resolved.repo_id,
        "commit": resolved.commit,
        "path": str(resolved.path),
        "license": None if resolved.description is None else resolved.description.license,
    }
    if json:
        print_json(document)
        return
    say(f"{resolved.source}, licence {document['license']}, intact, in {resolved.path.parent}")
    note(f"use it offline: --model {resolved.repo_id} --revision {resolved.commit}")


@app.command()
def verify(
    model: Argument = None,
    revision: options.Revision = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Check a model: the sha256 of every file, its metadata, and one embedding.

    Exits with 0 when all is as promised, 1 when something is not, 2 when that cannot be told: no
    such model, say.

    [bold]Examples[/bold]

      fingerprint models verify

      fingerprint models verify owner/name --offline
    """
    from fingerprint_sdk.zoo.checks import Check, check_model

    source = None
    try:
        resolved = zoo.resolve(model, revision=revision, offline=offline)
        source = resolved.source
        checks = check_model(resolved)
    except IntegrityError as error:
        checks = (Check("files", False, str(error)),)
    passed = all(check.passed for check in checks)
    if json:
        listed = [check.to_dict() for check in checks]
        print_json({"source": source, "passed": passed, "checks": listed})
    else:
        results = [("ok" if check.passed else "FAILED") for check in checks]
        rows = [(c.name, r, c.detail) for c, r in zip(checks, results, strict=True)]
        print_table(("check", "result", "found"), rows, source or "")
    if not passed:
        raise typer.Exit(DAMAGED)


def _row(model: ModelDescription, source: str) -> dict[str, Any]:
    return {
        "name": model.name,
        "default": model.name == zoo.DEFAULT_MODEL,
        "version": model.version,
        "license": model.license,
        "bytes": sum(file.size for file in model.files.values()),
        "embedding_size": model.embedding_size,
        "description": model.description,
        "source": source,
    }


def _print(listed: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json({"models": listed})
        return
    rows = [
        (
            model["name"] + (" (default)" if model["default"] else ""),
            model["version"],
            model["license"],
            f"{model['bytes'] / 1e6:.1f} MB",
            model["source"],
            model["description"],
        )
        for model in listed
    ]
    print_table(("model", "version", "weights licence", "size", "source", "description"), rows)
