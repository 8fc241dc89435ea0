"""``fingerprint gallery list``, ``info`` and ``export``."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import check_out
from fingerprint_sdk.cli.shared.model import BUILT_IN
from fingerprint_sdk.cli.shared.output import note, print_json, print_pairs, print_table, say
from fingerprint_sdk.cli.shared.place import Place
from fingerprint_sdk.documents import entry_dict, list_document
from fingerprint_sdk.files import is_stream

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery


class FormatChoice(StrEnum):
    """Kinds of tables."""

    csv = "csv"
    parquet = "parquet"


def list_entries(gallery: options.ListedGallery = None, json: options.Json = False) -> None:
    """List the entries, in the order of their enrolment; of the built-in gallery by default."""
    known = load(gallery)
    if json:
        print_json(list_document(known, gallery))
        return
    entries = [entry_dict(name, entry) for name, entry in known.items()]
    columns, rows = ["name", "images", "notes"], []
    with_families = any(entry["provenance"] for entry in entries)
    for entry in entries:
        row = [entry["name"], entry["images"], entry["notes"]]
        if with_families:
            origin = entry["provenance"] or {"members": (), "dates": ""}
            row += [", ".join(origin["members"]), origin["dates"]]
        rows.append(row)
    print_table(columns + (["members", "dates"] if with_families else []), rows)


def info(gallery: options.AnyGallery = None, json: options.Json = False) -> None:
    """Show which model a gallery belongs to, and its size; of the built-in one by default."""
    known = load(gallery)
    document: dict[str, Any] = {
        "gallery": None if gallery is None else str(gallery),
        "bytes": _file(gallery).stat().st_size,
        "entries": len(known),
        "images": sum(len(entry.embeddings) for _, entry in known.items()),
    }
    model = {} if known.model is None else dataclasses.asdict(known.model)
    if json:
        print_json(document | {"model": model})
    else:
        document["gallery"] = gallery or BUILT_IN
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

    Parquet also holds each image's embedding. It needs pyarrow: pip install pyarrow.

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


def load(path: Place | Path | None) -> Gallery:
    """A gallery, or the built-in one, without an extractor, which only looking at it needs."""
    from fingerprint_sdk.gallery import Gallery

    if isinstance(path, Place):
        if path.store is not None:
            return Gallery(content=path.store.load())
        path = path.path
    return Gallery.load(_file(path))


def _file(path: Path | None) -> Path:
    from fingerprint_sdk.zoo import KNOWN_NAME, resolve

    return resolve().path.with_name(KNOWN_NAME) if path is None else path
