"""The index file, ``.fpi``: its rows, saving them, and opening them safely.

It is a safetensors file. Tensors ``embeddings`` (float32 or float16, (N, D)), ``lossy`` (uint8,
(N,), a place in ``rows.MARKS``), ``stamps`` (int64, (N, 2): a file's size in bytes and time of
change in nanoseconds, -1 when unknown) and ``names`` (uint8: the N names in UTF-8 with a zero byte
after each). The metadata name the format and the model, as in a gallery.

Images added later are in parts behind it, each again a safetensors file with the same tensors and
metadata (see ``parts``). So adding costs what is added, and not the whole file; a file of one part
is what earlier versions wrote and read. Now and then, and when images were removed, the file is
replaced by one of a single part.

Measured at 10⁶ images of 641 numbers: benchmarks/index/costs.json.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fingerprint_sdk.embeddings_file import (
    Format,
    changed_meanwhile,
    check_embeddings,
    check_metadata,
    held,
    metadata_of,
    reading,
)
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.files import append, inode_of, replacing, start_after, writing
from fingerprint_sdk.files.parts import Blocks, Part, encode_part, hold, read_parts
from fingerprint_sdk.index.rows import MARKS, Rows
from fingerprint_sdk.runtime.contract import ModelIdentity

FORMAT = Format("index", "fingerprint-index", "1")
_LETTERS = 2**24  # of the names that are looked at together
_MOST_PARTS = 1000
"""Each costs 50 µs and more when the file is opened."""


@dataclass(frozen=True, eq=False)
class Stored:
    """How much of an index lies in a file.

    Attributes:
        path: of the file, without links.
        inode: of the file, see ``files.inode_of``.
        held: keeps the file open, so that no other gets its number.
        end: its length in bytes, as far as it counts.
        rows, parts: how many it has.
    """

    path: str
    inode: tuple[int, int]
    held: object
    end: int
    rows: int
    parts: int


@dataclass(frozen=True, eq=False)
class Content:
    """What an index file holds: the model and the rows, and how they are stored."""

    identity: ModelIdentity
    rows: Rows
    stored: Stored | None = None


def check_row_name(name: object) -> None:
    """Raise GalleryError unless ``name`` can name a row: a file name is free, but for zeros."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise GalleryError(f"{name!r} cannot name an image in an index: give a non-empty string")


def save(
    path: str | os.PathLike[str],
    identity: ModelIdentity,
    rows: Rows,
    stored: Stored | None,
    *,
    grown: bool,
) -> Stored:
    """Write an index file, whole or not at all.

    Args:
        path: of the file.
        identity: of the model.
        rows: the content.
        stored: the file that the index was opened from or last saved to; None if there is none.
        grown: whether the first ``stored.rows`` of the rows are in that file already.

    Raises:
        GalleryError: the file cannot be written, or it is ``stored`` and was changed meanwhile;
            an older one is left as it was.
    """
    with held(path), writing(path, GalleryError):
        own = stored is not None and os.path.realpath(path) == stored.path
        if stored is not None and own:
            if _is_changed(stored):
                raise changed_meanwhile(path, "index")
            if grown and stored.parts < _MOST_PARTS:
                more = rows.since(stored.rows)
                if not more.names and os.path.exists(path):
                    return stored
                if (longer := _appended(path, identity, more, stored)) is not None:
                    return longer
        return _replaced(path, identity, rows)


def _is_changed(stored: Stored) -> bool:
    """Whether there is another file by now, or a longer one; one that is gone is no other."""
    try:
        with open(stored.path, "rb") as file:
            status = os.fstat(file.fileno())
            if inode_of(status) != stored.inode or status.st_size < stored.end:
                return True
            file.seek(start_after(stored.end))
            return any(file.read(8))  # behind zeros is what a killed writer left
    except FileNotFoundError:
        return False


def _appended(
    path: str | os.PathLike[str], identity: ModelIdentity, more: Rows, stored: Stored
) -> Stored | None:
    """The file with ``more`` rows; None if it is to be replaced, see ``files.append``."""
    seal, content = _encoded(identity, more)
    if not append(path, seal, content, end=stored.end, inode=stored.inode):
        return None
    end = start_after(stored.end) + len(seal) + sum(map(len, content))
    return replace(stored, end=end, rows=stored.rows + len(more), parts=stored.parts + 1)


def _replaced(path: str | os.PathLike[str], identity: ModelIdentity, rows: Rows) -> Stored:
    seal, content = _encoded(identity, rows)
    with replacing(path) as temporary, temporary.open("rb+") as file:
        file.write(seal)
        file.writelines(content)
        file.flush()
        end, inode = file.tell(), inode_of(os.fstat(file.fileno()))
        return Stored(os.path.realpath(path), inode, hold(file), end, len(rows), 1)


def _encoded(identity: ModelIdentity, rows: Rows) -> tuple[bytes, list[bytes | memoryview]]:
    # File names that are not text come from the system as lone surrogates.
    names = "\0".join([*rows.names, ""]).encode("utf-8", "surrogatepass")
    tensors: dict[str, Blocks] = {
        "stamps": [rows.stamps],
        "embeddings": rows.blocks,
        "lossy": [rows.marks],
        "names": [np.frombuffer(names, np.uint8)],
    }  # from the largest type to the smallest, so that each is aligned
    return encode_part(metadata_of(FORMAT, identity), tensors)


def read(path: Path) -> Content:
    """Open and check an index file; see ``Index.load``."""
    name = repr(str(path))
    with reading(path, FORMAT), path.open("rb") as file:
        parts, end, kept_open = read_parts(file)
        inode = inode_of(os.fstat(file.fileno()))
        identities = [check_metadata(path, FORMAT, part.metadata) for part in parts]
        found = [_rows(part, identities[0].embedding_size, name) for part in parts]
    if len(set(identities)) > 1 or len({rows.half for rows in found}) > 1:
        raise GalleryError(f"{name} is damaged: its parts disagree")
    rows = Rows.joined(found)
    if not all(rows.names) or len(set(rows.names)) != len(rows):
        raise GalleryError(f"{name} is damaged: its names are empty, or not all different")
    stored = Stored(os.path.realpath(path), inode, kept_open, end, len(rows), len(parts))
    return Content(identities[0], rows, stored)


def _rows(part: Part, size: int, name: str) -> Rows:
    wanted = ("embeddings", "lossy", "stamps", "names")
    embeddings, marks, stamps, letters = (part.tensors[key] for key in wanted)
    types = [tensor.dtype.name for tensor in (embeddings, marks, stamps, letters)]
    if types[0] not in ("float32", "float16") or types[1:] != ["uint8", "int64", "uint8"]:
        raise GalleryError(f"{name} is damaged: its tensors have the wrong type")
    check_embeddings(embeddings, size, f"the embeddings in {name}")
    # Before it becomes texts, which take far more memory: zeros may be in no place of the disk.
    ends = sum(
        int(np.count_nonzero(letters[start : start + _LETTERS] == 0))
        for start in range(0, len(letters), _LETTERS)
    )
    if letters.ndim != 1 or ends != len(embeddings):
        raise GalleryError(f"{name} is damaged: its names and its tensors disagree")
    *names, last = str(letters.data, "utf-8", "surrogatepass").split("\0")
    count = len(embeddings)
    # What follows the last zero byte is nothing.
    if last or (len(names), marks.shape, stamps.shape) != (count, (count,), (count, 2)):
        raise GalleryError(f"{name} is damaged: its names and its tensors disagree")
    if marks.size and marks.max() >= len(MARKS):
        raise GalleryError(f"{name} is damaged: its marks of treatment are none")
    return Rows(tuple(names), (embeddings,), np.array(marks), np.array(stamps))
