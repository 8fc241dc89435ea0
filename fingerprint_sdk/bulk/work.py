"""One shard from images to files: what every engine does, wherever it does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fingerprint_sdk.bulk.listing import Shard
from fingerprint_sdk.bulk.reading import read
from fingerprint_sdk.bulk.tables import write_shard
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.extractor import Extractor


@dataclass(frozen=True)
class Job:
    """Where images come from and embeddings go.

    Attributes:
        base: folder that the shards' files are relative to.
        out: folder of the run.
        column: of Parquet files, see ``reading.read``.
    """

    base: Path
    out: Path
    column: str


def embed_shard(
    extractor: Extractor, job: Job, number: int, shard: Shard, workers: int | None = None
) -> tuple[int, int]:
    """Embed a shard and write its files; returns how many rows and how many bad files it has.

    Args:
        extractor: open.
        job: where from and where to.
        number: of the shard, in the list.
        shard: the images.
        workers: threads that decode, see ``Extractor.embed_many``.

    Raises:
        FingerprintError: the files cannot be written.
    """
    names: list[str] = []
    bad: list[tuple[str, str]] = []

    def images() -> Iterator[Path | bytes]:
        for name, image in read(job.base, shard, job.column):
            if isinstance(image, ImageError):
                bad.append((name, str(image)))
            else:
                names.append(name)
                yield image

    result = extractor.embed_many(images(), workers=workers)
    bad += [(names[failure.index], str(failure.error)) for failure in result.failures]
    used = [names[index] for index in result.indices]
    write_shard(
        *(job.out, number, used, result.embeddings, result.quality, sorted(bad)),
        extractor.model_sha256,
    )
    return len(used), len(bad)
