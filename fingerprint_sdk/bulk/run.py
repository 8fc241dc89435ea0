"""A run: what is to be done and by which engine, what is done already, what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from fingerprint_sdk.bulk.listing import SHARD_SIZE, Shard, digest, list_shards
from fingerprint_sdk.bulk.tables import EMBEDDINGS, file_of
from fingerprint_sdk.bulk.work import Job, embed_shard
from fingerprint_sdk.errors import ArgumentError, FingerprintError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.extras import need
from fingerprint_sdk.files import locked, write_text, writing

Engine: TypeAlias = Literal["local", "ray"]

_PLAN = "plan.json"


@dataclass(frozen=True)
class BulkResult:
    """What a run has done.

    Attributes:
        shards: of the source, all of which are done now.
        found: shards that were done before.
        images: embedded by this run.
        bad: files that this run could not use.
    """

    shards: int
    found: int
    images: int
    bad: int


def embed_source(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    extractor: Extractor,
    *,
    engine: Engine = "local",
    workers: int | None = None,
    cores: int = 1,
    shard_size: int = SHARD_SIZE,
    column: str = "image",
    progress: Callable[[int, int], None] | None = None,
) -> BulkResult:
    """Embed all images of a source into Parquet files; what is there already is not done again.

    ``out/embeddings/*.parquet`` have a row for each image: name, embedding (a list of D float32),
    quality (JSON), windows, model_sha256. ``out/bad/*.parquet`` have name and reason of what could
    not be used. Memory does not grow with the source but for the list of its files.

    Args:
        source: see ``list_shards``; of Ray, every machine must see it by this path, and ``out``.
        out: folder of the run; is made.
        extractor: taken to Ray's workers as it is, with its threads.
        engine: "local" for this process, "ray" for a Ray cluster: the one of ``RAY_ADDRESS``, or
            the one this process is part of, or else a new one of this machine.
        workers: of Ray, processes that each open the model once; None for as many as the cluster
            has room for.
        cores: of Ray, of each worker; its threads when the extractor was opened.
        shard_size: see ``list_shards``.
        column: of Parquet files, with the images' bytes.
        progress: called with the number of shards done and of all.

    Raises:
        ImageError: there is nothing in the source.
        FingerprintError: ``out`` was begun with other images, another model or number of windows;
            a file cannot be written; an extra is not installed.
    """
    if engine not in ("local", "ray"):
        raise ArgumentError(f"engine must be 'local' or 'ray', not {engine!r}")
    need("pyarrow", "ray", "writing Parquet")
    shards = list_shards(source, shard_size)
    root = Path(source).absolute()
    job = Job(root.parent if root.is_file() else root, Path(out).absolute(), column)
    _check_plan(job.out, shards, extractor, column)
    missing = {
        number: shard
        for number, shard in enumerate(shards)
        if not file_of(job.out, EMBEDDINGS, number).exists()
    }
    done = found = len(shards) - len(missing)
    images = bad = 0
    for good, unusable in _outcomes(engine, extractor, job, missing, workers, cores):
        done, images, bad = done + 1, images + good, bad + unusable
        if progress is not None:
            progress(done, len(shards))
    return BulkResult(len(shards), found, images, bad)


def _outcomes(
    engine: Engine,
    extractor: Extractor,
    job: Job,
    missing: dict[int, Shard],
    workers: int | None,
    cores: int,
) -> Iterator[tuple[int, int]]:
    """Rows and bad files of each shard, as they are done."""
    if engine == "local" or not missing:
        return (embed_shard(extractor, job, *item) for item in missing.items())
    from fingerprint_sdk.bulk.ray_data import embed_shards

    return embed_shards(extractor, job, missing, workers, cores)


def _check_plan(out: Path, shards: tuple[Shard, ...], extractor: Extractor, column: str) -> None:
    """Raise FingerprintError where ``out`` is another run's."""
    plan = {
        "images": digest(shards),
        "model": extractor.model_sha256,
        "windows": extractor.windows,
        "column": column,
    }
    path = out / _PLAN
    with writing(path):
        out.mkdir(parents=True, exist_ok=True)
        with locked(path):
            if not path.exists():
                write_text(path, json.dumps(plan, indent=2) + "\n")
    try:
        found = json.loads(path.read_text())
        others = [name for name, value in plan.items() if found.get(name) != value]
    except (OSError, ValueError, AttributeError) as error:
        raise FingerprintError(f"{str(path)!r} is no plan of a run: {error}") from error
    if others:
        raise FingerprintError(
            f"{str(out)!r} was begun with other {', '.join(others)}: give another folder, or what "
            "it was begun with"
        )
