"""What is to be embedded, as a list of shards: the same list whenever and wherever it is made."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from fingerprint_sdk.errors import ArgumentError, ImageError
from fingerprint_sdk.extras import need
from fingerprint_sdk.files.endings import SUFFIXES

SHARD_SIZE = 512
"""Image files in a shard: a multiple of every batch, so that batches are those of one long run."""

_TARS = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class Shard:
    """Images that are embedded together.

    Attributes:
        kind: "images", "parquet" (a row group of a file) or "tar" (all of an archive).
        files: relative to the source; one, but for images.
        row_group: of the Parquet file.
        first_row: of that row group, in its file.
        sizes: of the files in bytes, 0 where it cannot be told: tells when they are others.
    """

    kind: str
    files: tuple[str, ...]
    row_group: int = 0
    first_row: int = 0
    sizes: tuple[int, ...] = ()


def list_shards(source: str | os.PathLike[str], shard_size: int = SHARD_SIZE) -> tuple[Shard, ...]:
    """All shards of a source, in the order of their files' names.

    Args:
        source: a folder, taken in depth, or one file. Image files, Parquet files, WebDataset
            archives (``.tar``, ``.tar.gz``, ``.tgz``); all else and what is hidden is passed over.
        shard_size: image files in a shard, at least 1.

    Raises:
        ImageError: there is nothing in it, or it cannot be read.
        FingerprintError: pyarrow is not installed.
    """
    if shard_size < 1:
        raise ArgumentError(f"shard_size must be at least 1, not {shard_size}")
    root = Path(source)
    try:
        files = [root.name] if root.is_file() else sorted(_walk(root))
    except OSError as error:
        raise ImageError(f"cannot read {str(root)!r}: {error.strerror or error}") from error
    base = root.parent if root.is_file() else root
    images = [name for name in files if Path(name).suffix.lower() in SUFFIXES]
    shards = [
        Shard("images", tuple(names), sizes=tuple(_size(base / name) for name in names))
        for names in _slices(images, shard_size)
    ]
    for name in files:
        if name.lower().endswith(".parquet"):
            shards += _row_groups(base, name)
        elif name.lower().endswith(_TARS):
            shards.append(Shard("tar", (name,), sizes=(_size(base / name),)))
    if not shards:
        raise ImageError(
            f"{str(root)!r} holds no image, .parquet or .tar file: give a folder or file of them"
        )
    return tuple(shards)


def digest(shards: tuple[Shard, ...]) -> str:
    """16 hexadecimal digits that tell one list of shards from another."""
    total = hashlib.sha256()
    for shard in shards:
        total.update(to_json(shard).encode())
    return total.hexdigest()[:16]


def to_json(shard: Shard) -> str:
    """A shard as text, in ASCII."""
    return json.dumps(asdict(shard))


def from_json(text: str) -> Shard:
    """The inverse of ``to_json``."""
    values = json.loads(text)
    return Shard(**values | {key: tuple(values[key]) for key in ("files", "sizes")})


def _walk(root: Path) -> Iterator[str]:
    """Names of the files in a folder, in depth, relative to it."""

    def failed(error: OSError) -> None:
        raise error

    for folder, folders, files in os.walk(root, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield Path(folder, name).relative_to(root).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # whoever reads it says what is wrong with it
        return 0


def _slices(names: list[str], size: int) -> Iterator[list[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def _row_groups(base: Path, name: str) -> Iterator[Shard]:
    arrow = need("pyarrow", "ray", "reading Parquet")
    parquet = need("pyarrow.parquet", "ray", "reading Parquet")
    sizes = (_size(base / name),)
    if not (base / name).is_file():  # to open a pipe would wait for somebody to write
        yield Shard("parquet", (name,), sizes=sizes)
        return
    try:
        with parquet.ParquetFile(base / name) as file:
            rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    except (arrow.ArrowException, OSError):
        yield Shard("parquet", (name,), sizes=sizes)  # whoever reads it says what is wrong with it
        return
    first = 0
    for number, count in enumerate(rows):
        yield Shard("parquet", (name,), number, first, sizes)
        first += count
