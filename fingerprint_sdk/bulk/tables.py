"""A shard's two files: embeddings with all that is known of each, and what could not be used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fingerprint_sdk.extras import need
from fingerprint_sdk.files import replacing, writing
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.results import Embeddings

EMBEDDINGS, BAD = "embeddings", "bad"
"""Folders of the two."""


def file_of(out: Path, table: str, number: int) -> Path:
    """Where a shard's table is kept, by the shard's place in the list."""
    return out / table / f"{number:07d}.parquet"


def write_shard(
    out: Path,
    number: int,
    names: Sequence[str],
    embeddings: Embeddings,
    quality: Sequence[Quality],
    bad: Sequence[tuple[str, str]],
    model_sha256: str,
) -> None:
    """Write a shard's tables; the one with embeddings last, since it says that both are there.

    Args:
        out: folder of the run.
        number: of the shard.
        names, quality: of the n rows.
        embeddings: float32, shape (n, D).
        bad: names and reasons.
        model_sha256: of the model file, hexadecimal.

    Raises:
        FingerprintError: they cannot be written.
    """
    arrow = need("pyarrow", "ray", "writing Parquet")
    pairs = arrow.schema([("name", arrow.string()), ("reason", arrow.string())])
    reasons = [{"name": _text(name), "reason": _text(reason)} for name, reason in bad]
    _write(file_of(out, BAD, number), arrow.Table.from_pylist(reasons, schema=pairs))
    flat = arrow.array(embeddings.reshape(-1), arrow.float32())
    columns = {
        "name": arrow.array([_text(name) for name in names], arrow.string()),
        "embedding": arrow.FixedSizeListArray.from_arrays(flat, embeddings.shape[1]),
        "quality": arrow.array([json.dumps(one.to_dict()) for one in quality], arrow.string()),
        "windows": arrow.array([one.windows for one in quality], arrow.int32()),
        "model_sha256": arrow.array([model_sha256] * len(names), arrow.string()),
    }
    _write(file_of(out, EMBEDDINGS, number), arrow.table(columns))


def _write(path: Path, table: Any) -> None:
    parquet = need("pyarrow.parquet", "ray", "writing Parquet")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            parquet.write_table(table, temporary)


def _text(text: str) -> str:
    """File names that are not text come from the system as lone surrogates; no file holds them."""
    return text.encode(errors="backslashreplace").decode()
