"""The images of a shard, one after another."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TypeAlias

from fingerprint_sdk.bulk.listing import Shard
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.extras import need
from fingerprint_sdk.files.endings import SUFFIXES
from fingerprint_sdk.images.limits import MAX_BYTES

Read: TypeAlias = Path | bytes | ImageError

_ROWS = 16  # of a Parquet file that are in memory together


def read(base: Path, shard: Shard, column: str) -> Iterator[tuple[str, Read]]:
    """Names and images of a shard, in their order; what is none of them as an error.

    A name is the file's, relative to the source; of a row ``FILE#NUMBER``, the number being its
    place in the file from 0; of a member of an archive ``FILE/MEMBER``.

    Args:
        base: folder that the shard's files are relative to.
        shard: what to read.
        column: of Parquet files, with bytes, or with a struct that has a field ``bytes``.
    """
    if shard.kind == "images":
        yield from ((name, base / name) for name in shard.files)
        return
    (file,) = shard.files
    if not (base / file).is_file():  # to open a pipe would wait for somebody to write
        yield file, ImageError(f"{file!r} cannot be read: it is no regular file, or is gone")
        return
    reader = _rows(base, shard, column) if shard.kind == "parquet" else _members(base / file)
    try:
        yield from ((f"{file}{name}", image) for name, image in reader)
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        # Arrow's errors are among them. What came before it counts.
        yield file, ImageError(f"{file!r} cannot be read to its end: {error}")


def _rows(base: Path, shard: Shard, column: str) -> Iterator[tuple[str, Read]]:
    parquet = need("pyarrow.parquet", "ray", "reading Parquet")
    number = shard.first_row
    with parquet.ParquetFile(base / shard.files[0]) as file:
        if column not in file.schema_arrow.names:
            names = ", ".join(file.schema_arrow.names)
            raise ValueError(f"it has no column {column!r}, but {names}; name the one with images")
        for batch in file.iter_batches(_ROWS, [shard.row_group], [column]):
            for value in batch.column(0).to_pylist():
                yield f"#{number}", _bytes(value, number)
                number += 1


def _bytes(value: Any, number: int) -> Read:
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else ImageError(f"row {number} has no bytes")


class _Member(tarfile.TarInfo):
    """A member whose header is whole: ``tarfile`` takes any other for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"it is damaged, or has no end: {error}") from error


def _members(path: Path) -> Iterator[tuple[str, Read]]:
    with tarfile.open(path, "r|*", tarinfo=_Member) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
            if not (member.isfile() and Path(member.name).suffix.lower() in SUFFIXES):
                continue
            name = f"/{member.name}"
            if member.size > MAX_BYTES:
                yield name, ImageError(f"{member.name!r} is too large: {member.size} bytes")
            elif (file := archive.extractfile(member)) is not None:
                yield name, file.read()
