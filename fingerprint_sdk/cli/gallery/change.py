"""``fingerprint gallery``: make, fill, change and read gallery files."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.gallery.add import add
from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.model import open_extractor
from fingerprint_sdk.cli.shared.output import print_json, print_pairs, print_table
from fingerprint_sdk.errors import GalleryError

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery

app = typer.Typer(no_args_is_help=True, help="Make, fill, change and read galleries.")


class OnDuplicate(StrEnum):
    """What to do with a name that both galleries have."""

    error = "error"
    add = "add"


class FormatChoice(StrEnum):
    """Kinds of tables."""

    csv = "csv"
    parquet = "parquet"


Name = Annotated[str, typer.Argument(help="Name of an entry.")]


@app.command()
def create(
    gallery: options.GalleryArgument,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
) -> None:
    """Make an empty gallery for one model. An existing file is left alone."""
    from fingerprint_sdk.gallery import Gallery

    if gallery.exists():
        raise GalleryError(f"{str(gallery)!r} exists: remove it, or choose another name")
    extractor = open_extractor(model, revision, device, offline, threads)
    Gallery(extractor).save(gallery)
    print(f"made {gallery} for model {extractor.name} {extractor.version}")


app.command()(add)


@app.command()
def remove(
    gallery: options.GalleryArgument,
    names: Annotated[list[str], typer.Argument(help="Names of entries.")],
) -> None:
    """Remove entries: all those named, or after an error none."""
    known = _load(gallery)
    for name in names:
        known.remove(name)
    known.save(gallery)
    print(f"removed {len(names)}, {len(known)} left in {gallery}")


@app.command()
def rename(gallery: options.GalleryArgument, name: Name, new_name: Name) -> None:
    """Rename an entry."""
    known = _load(gallery)
    known.rename(name, new_name)
    known.save(gallery)
    print(f"{name} is now {new_name} in {gallery}")


@app.command("list")
def list_entries(gallery: options.GalleryArgument, json: options.Json = False) -> None:
    """List the entries, in the order of their enrolment."""
    entries = _entries(_load(gallery))
    if json:
        print_json({"gallery": str(gallery), "entries": entries})
    else:
        rows = [(entry["name"], entry["images"], entry["notes"]) for entry in entries]
        print_table(("name", "images", "notes"), rows)


@app.command()
def info(gallery: options.GalleryArgument, json: options.Json = False) -> None:
    """Show which model a gallery belongs to, and its size."""
    known = _load(gallery)
    document: dict[str, Any] = {
        "gallery": str(gallery),
        "bytes": gallery.stat().st_size,
        "entries": len(known),
        "images": sum(entry["images"] for entry in _entries(known)),
    }
    model = {} if known.model is None else dataclasses.asdict(known.model)
    if json:
        print_json(document | {"model": model})
    else:
        pairs = [*document.items(), *((f"model {key}", value) for key, value in model.items())]
        print_pairs((key.replace("_", " "), value) for key, value in pairs)


@app.command()
def merge(
    gallery: options.GalleryArgument,
    others: Annotated[list[Path], typer.Argument(help="Galleries to take the entries of.")],
    on_duplicate: Annotated[
        OnDuplicate, typer.Option(help="A name both have is an error, or its images are added.")
    ] = OnDuplicate.error,
) -> None:
    """Add the entries of other galleries of the same model to GALLERY.

    [bold]Examples[/bold]

      fingerprint gallery merge known.fpg colleague.fpg
    """
    known = _load(gallery)
    for other in others:
        known.merge(_load(other), on_duplicate=on_duplicate.value)
    known.save(gallery)
    print(f"{len(known)} entries in {gallery}")


@app.command()
def export(
    gallery: options.GalleryArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    form: Annotated[
        FormatChoice | None,
        typer.Option("--format", help="Of the file.", show_default="the ending of --out"),
    ] = None,
) -> None:
    """Write a table: a row per entry with its name, images, notes and fingerprint.

    Parquet also holds each image's embedding. It needs pyarrow: pip install
    "fingerprint-sdk\\[parquet]".

    [bold]Examples[/bold]

      fingerprint gallery export known.fpg --out known.parquet
    """
    ending = out.suffix.removeprefix(".")
    if form is None and ending not in list(FormatChoice):
        raise typer.BadParameter(f"{str(out)!r} must end in .csv or .parquet, or name a --format")
    known = _load(gallery)
    write = known.export_csv if (form or ending) == FormatChoice.csv else known.export_parquet
    write(out)
    print(f"wrote {len(known)} entries to {out}")


def _load(path: Path) -> Gallery:
    """A gallery without an extractor, which only reading and rearranging needs."""
    from fingerprint_sdk.gallery import Gallery

    return Gallery.load(path)


def _entries(known: Gallery) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "images": len(known[name].embeddings),
            "copies": {kind: len(rows) for kind, rows in known[name].copies.items()},
            "notes": known[name].notes,
        }
        for name in known.names
    ]
