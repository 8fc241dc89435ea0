"""A gallery as a table for other programs: CSV, or Apache Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict

from fingerprint_sdk.extras import need
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.text import cell


def csv_table(identity: ModelIdentity | None, entries: Mapping[str, Entry]) -> bytes:
    """A row for each entry: name, images, notes, and the fingerprint's D values.

    Names and notes as ``text.cell`` has them.
    """
    size = 0 if identity is None else identity.embedding_size
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["name", "images", "notes", *(f"e{i}" for i in range(size))])
    for name, entry in entries.items():
        # float32's shortest exact form, so that the values survive the round trip.
        values = [str(value) for value in entry.fingerprint]
        writer.writerow([cell(name), len(entry.embeddings), cell(entry.notes), *values])
    return text.getvalue().encode()


def parquet_table(identity: ModelIdentity | None, entries: Mapping[str, Entry]) -> bytes:
    """A row for each entry, with all its embeddings; see ``Gallery.export_parquet``."""
    arrow = need("pyarrow", "parquet", "writing Parquet")
    parquet = need("pyarrow.parquet", "parquet", "writing Parquet")
    vector = arrow.list_(arrow.float32(), 0 if identity is None else identity.embedding_size)
    metadata = {} if identity is None else asdict(identity)
    schema = arrow.schema(
        [
            ("name", arrow.string()),
            ("images", arrow.int32()),
            ("notes", arrow.string()),
            ("fingerprint", vector),
            ("embeddings", arrow.list_(vector)),
        ],
        metadata={f"model_{key}": str(value) for key, value in metadata.items()},
    )
    rows = [
        {
            "name": _text(name),
            "images": len(entry.embeddings),
            "notes": _text(entry.notes),
            "fingerprint": entry.fingerprint,
            "embeddings": list(entry.embeddings),
        }
        for name, entry in entries.items()
    ]
    out = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), out)
    return out.getvalue()


def _text(text: str) -> str:
    """File names that are not text come from the system as lone surrogates; no file holds them."""
    return text.encode(errors="backslashreplace").decode()
