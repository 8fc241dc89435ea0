"""``fingerprint embed --engine``: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.model import open_extractor
from fingerprint_sdk.cli.shared.options import DeviceChoice
from fingerprint_sdk.cli.shared.output import note, progress


class EngineChoice(StrEnum):
    """What runs a bulk embedding."""

    local = "local"
    ray = "ray"


Engine = Annotated[
    EngineChoice | None,
    typer.Option(help="For any number of images: this process, or a Ray cluster."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="--engine ray: processes, each with a model and --threads cores.",
        show_default="all that fit",
    ),
]
Column = Annotated[
    str | None,
    typer.Option(help="--engine: of Parquet files, with the images' bytes.", show_default="image"),
]
ShardSize = Annotated[
    int | None,
    typer.Option(min=1, help="--engine: image files that are done together.", show_default="512"),
]

_STEPS = 1000  # of the bar, which is there before it is known how many shards there are

Opening = tuple[str | None, str | None, DeviceChoice, bool, int | None, int | None]
"""Model, revision, device, offline, threads and windows."""


def embed(
    sources: Sequence[Path],
    out: Path | None,
    engine: EngineChoice,
    given: Opening,
    workers: int | None,
    column: str | None,
    shard_size: int | None,
) -> None:
    """Embed a source into the folder ``out`` and say what came of it."""
    if out is None:
        raise typer.BadParameter("--engine needs a folder to write to: give --out")
    if len(sources) != 1:
        raise typer.BadParameter("--engine takes one folder or file: give the one above them all")
    if engine is EngineChoice.local and workers is not None:
        raise typer.BadParameter("--workers does nothing for --engine local: leave it out")
    from fingerprint_sdk.bulk import SHARD_SIZE, embed_source

    model, revision, device, offline, threads, windows = given
    if engine is EngineChoice.ray and threads is None:
        threads = 1  # a worker a core beats all cores on one image
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    with progress(_STEPS, "embedding shards") as moved:
        result = embed_source(
            *(sources[0], out, extractor),
            engine=engine.value,
            workers=workers,
            cores=threads or 1,
            shard_size=shard_size or SHARD_SIZE,
            column=column or "image",
            progress=None if moved is None else lambda done, total: moved(_STEPS * done // total),
        )
    if result.found:
        note(f"note: {result.found} of {result.shards} shards were there already")
    if result.bad:
        note(f"note: {result.bad} files could not be used: {out / 'bad'} says why")
    note(f"wrote {result.images} embeddings to {out}")


def refuse(**given: bool) -> None:
    """Raise BadParameter for an option that does nothing for --engine."""
    for name, is_given in given.items():
        if is_given:
            shown = name.replace("_", "-")
            raise typer.BadParameter(f"--{shown} does nothing for --engine: leave it out")


def refuse_without_engine(**given: object) -> None:
    """Raise BadParameter for an option that does nothing without --engine."""
    for name, value in given.items():
        if value is not None:
            shown = name.replace("_", "-")
            raise typer.BadParameter(f"--{shown} does nothing without --engine: leave it out")
