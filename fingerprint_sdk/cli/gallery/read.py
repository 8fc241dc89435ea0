"""``fingerprint gallery list``, ``info`` and ``export``."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import check_out
from fingerprint_sdk.cli.shared.output import note, print_json, print_pairs, print_table, say
from fingerprint_sdk.files import is_stream

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery


class FormatChoice(StrEnum):
    """Kinds of tables."""

    csv = "csv"
    parquet = "parquet"


def list_entries(gallery: options.GalleryArgument, json: options.Json = False) -> None:
    """List the entries, in the order of their enrolment."""
    entries = _entries(load(gallery))
    if json:
        print_json({"gallery": str(gallery), "entries": entries})
    else:
        rows = [(entry["name"], entry["images"], entry["notes"]) for entry in entries]
        print_table(("name", "images", "notes"), rows)


def info(gallery: options.GalleryArgument, json: options.Json = False) -> None:
    """Show which model a gallery belongs to, and its size."""
    known = load(gallery)
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
    check_out(out)
    known = load(gallery)
    write = known.export_csv if (form or ending) == FormatChoice.csv else known.export_parquet
    write(out)
    tell = note if is_stream(out) else say  # the table itself may be on stdout
    tell(f"wrote {len(known)} entries to {out}")


def load(path: Path) -> Gallery:
    """A gallery without an extractor, which only reading and rearranging needs."""
    from fingerprint_sdk.gallery import Gallery

    return Gallery.load(path)


def _entries(known: Gallery) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "images": len(known[name].embeddings),
            "copies": {kind: copy.count for kind, copy in known[name].copies.items()},
            "notes": known[name].notes,
        }
        for name in known.names
    ]
