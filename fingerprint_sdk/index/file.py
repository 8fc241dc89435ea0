"""The index file, ``.fpi``: its rows, and reading them safely.

It is a safetensors file. Tensors ``embeddings`` (float32 or float16, (N, D)), ``lossy`` (uint8,
(N,)), ``stamps`` (int64, (N, 2): a file's size in bytes and time of change in nanoseconds, -1
when unknown) and ``names`` (uint8: the N names in UTF-8 with a zero byte after each). The
metadata name the format and the model, as in a gallery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import (
    Format,
    check_embeddings,
    encode_tensors,
    read_tensors,
    reading,
)
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.runtime.contract import ModelIdentity

FORMAT = Format("index", "fingerprint-index", "1")


@dataclass(frozen=True, eq=False)
class Rows:
    """The content of an index, one row for each image; never changed in place.

    Attributes:
        names: N different strings.
        embeddings: float32, shape (N, D), L2-normalised.
        lossy: bool, shape (N,), True where the image carries lossy compression.
        stamps: int64, shape (N, 2); see the module.
    """

    names: tuple[str, ...]
    embeddings: npt.NDArray[np.float32]
    lossy: npt.NDArray[np.bool_]
    stamps: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, size: int) -> Rows:
        """No rows of ``size`` columns."""
        return cls((), np.empty((0, size), np.float32), np.empty(0, bool), _stamps([]))

    def extended(self, more: Rows) -> Rows:
        """These rows, then ``more``."""
        return Rows(
            self.names + more.names,
            np.concatenate([self.embeddings, more.embeddings]),
            np.concatenate([self.lossy, more.lossy]),
            np.concatenate([self.stamps, more.stamps]),
        )

    def kept(self, keep: Sequence[int]) -> Rows:
        """Only the rows at these places."""
        rows = np.asarray(keep, np.intp)
        names = tuple(self.names[row] for row in keep)
        return Rows(names, self.embeddings[rows], self.lossy[rows], self.stamps[rows])


@dataclass(frozen=True, eq=False)
class Content:
    """What an index file holds: the model, the rows, and whether they were float16."""

    identity: ModelIdentity
    rows: Rows
    half: bool


def _stamps(pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    return np.array(pairs, np.int64).reshape(-1, 2)


def check_row_name(name: object) -> None:
    """Raise GalleryError unless ``name`` can name a row: a file name is free, but for zeros."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise GalleryError(f"{name!r} cannot name an image in an index: give a non-empty string")


def encode(identity: ModelIdentity, rows: Rows, *, half: bool) -> bytes:
    """An index file's bytes."""
    # File names that are not text come from the system as lone surrogates.
    names = "".join(name + "\0" for name in rows.names).encode("utf-8", "surrogatepass")
    tensors: dict[str, npt.NDArray[Any]] = {
        "embeddings": rows.embeddings.astype(np.float16 if half else np.float32),
        "lossy": rows.lossy.astype(np.uint8),
        "stamps": rows.stamps,
        "names": np.frombuffer(names, np.uint8),
    }
    return encode_tensors(FORMAT, identity, tensors)


def read(path: Path) -> Content:
    """Read and check an index file; see ``Index.load``."""
    name = repr(str(path))
    with reading(path, FORMAT):
        wanted = ("embeddings", "lossy", "stamps", "names")
        identity, _, tensors = read_tensors(path, FORMAT, wanted)
        embeddings, lossy, stamps, letters = (tensors[key] for key in wanted)
        names = letters.tobytes().decode("utf-8", "surrogatepass").split("\0")
    types = [tensor.dtype.name for tensor in (embeddings, lossy, stamps, letters)]
    if types[0] not in ("float32", "float16") or types[1:] != ["uint8", "int64", "uint8"]:
        raise GalleryError(f"{name} is damaged: its tensors have the wrong type")
    half = embeddings.dtype == np.float16
    embeddings = embeddings.astype(np.float32)
    check_embeddings(embeddings, identity.embedding_size, f"the embeddings in {name}")
    count = len(embeddings)
    last = names.pop()  # what follows the last zero byte: nothing
    fits = (len(names), lossy.shape, stamps.shape) == (count, (count,), (count, 2))
    if last or not fits or not all(names) or len(set(names)) != count:
        raise GalleryError(f"{name} is damaged: its names and its tensors disagree")
    return Content(identity, Rows(tuple(names), embeddings, lossy != 0, stamps), half)
