"""The gallery file, ``.fpg``: reading and writing it safely.

It is a safetensors file. Tensor ``embeddings`` (float32, (N, D)) holds the image embeddings of
all entries in a row, ``lossy`` (uint8, (N,)) whether each image carries lossy compression,
``windows`` (int32, (N,)) how many of its windows counted, 0 for unknown. If an entry has copies,
``copies`` (float32, (M, D)) holds the mean embedding of each kind, not normalised.
The metadata name the format, the model (with the SHA-256 of its file, since embeddings of two
models cannot be compared) and, as JSON, each entry's name, number of images, notes, number of
copies of each kind, and provenance if it has one.

Format 1, which is still read, has no ``windows``, two kinds of other names, and a row of
``copies`` for each copy.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import (
    Embeddings,
    Format,
    check_embeddings,
    encode_tensors,
    reading,
    tensors_in,
)
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.gallery.entry import (
    CopyMean,
    Entry,
    Provenance,
    checked_provenance,
    entry_name,
)
from fingerprint_sdk.images.processing import kind_named
from fingerprint_sdk.runtime.contract import ModelIdentity

FORMAT = Format("gallery", "fingerprint-gallery", "2", older=("1",))
_MOST_KINDS = 64  # of copies of an entry; a gallery keeps about twenty
_CHECKED = 4096  # rows at once: 10 MB of 641 numbers
_KINDS_OF_FORMAT_1 = {"jpeg": "jpeg 90 4:2:0", "shrunk": "scale 0.7"}


@dataclass(frozen=True)
class Saved:
    """A file at one time: its path, and what tells it from every other that was ever there."""

    path: str
    state: tuple[int, ...] | None

    def is_older(self, path: str | os.PathLike[str]) -> bool:
        """Whether ``path`` is that file, and another by now; one that is gone is no other."""
        now = saved_at(path)
        return now.path == self.path and now.state not in (None, self.state)


def saved_at(path: str | os.PathLike[str]) -> Saved:
    """The file as it is now."""
    try:
        status = os.stat(path)
    except OSError:
        return Saved(os.path.realpath(path), None)
    # Numbers of removed files are given again, but not with the same time.
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return Saved(os.path.realpath(path), state)


@dataclass(frozen=True, eq=False)
class Content:
    """What a gallery file holds: the model, and the entries by name in the order of enrolment.

    ``saved`` is the file, as it was before it was read.
    """

    identity: ModelIdentity
    entries: dict[str, Entry]
    saved: Saved | None = None


def encode(identity: ModelIdentity, entries: Mapping[str, Entry]) -> bytes:
    """A gallery file's bytes."""
    none = np.empty((0, identity.embedding_size), np.float32)
    parts = [Entry(none, np.empty(0, bool), np.empty(0, np.int32)), *entries.values()]
    tensors: dict[str, npt.NDArray[Any]] = {
        "embeddings": np.concatenate([entry.embeddings for entry in parts]),
        "lossy": np.concatenate([entry.lossy for entry in parts]).astype(np.uint8),
        "windows": np.concatenate([entry.windows for entry in parts]),
    }
    copies = [copy.mean for entry in entries.values() for copy in entry.copies.values()]
    if copies:
        tensors["copies"] = np.stack(copies)
    listing = [
        {"name": name, "images": len(entry.embeddings), "notes": entry.notes}
        | ({"copies": {k: v.count for k, v in entry.copies.items()}} if entry.copies else {})
        | ({"provenance": asdict(entry.provenance)} if entry.provenance else {})
        for name, entry in entries.items()
    ]
    return encode_tensors(FORMAT, identity, tensors, {"entries": json.dumps(listing)})


def read(path: Path) -> Content:
    """Read and check a gallery file; see ``Gallery.load``."""
    name = repr(str(path))
    with reading(path, FORMAT):
        saved = saved_at(path)
        with path.open("rb") as file:
            content = _checked(_told(file, path), name)
    return replace(content, saved=saved)


def decode(content: bytes, name: str) -> Content:
    """Read and check a gallery file's bytes, called ``name`` in messages.

    Raises:
        GalleryError: they are damaged.
    """
    try:
        return _checked(_told(BytesIO(content), Path(name)), repr(name))
    except (OSError, RecursionError, LookupError, ValueError, TypeError) as error:
        raise GalleryError(f"{name!r} is damaged: {error}") from error


_Told = tuple[ModelIdentity, bool, Sequence["_Listed"], dict[str, npt.NDArray[Any]]]


def _told(file: BinaryIO, path: Path) -> _Told:
    """What an open file says, unchecked: model, whether it is of format 1, entries and tensors."""
    identity, metadata, tensors = tensors_in(
        file, path, FORMAT, ("embeddings", "lossy"), optional=("windows", "copies")
    )
    listing = [
        _Listed(
            entry["name"],
            entry["images"],
            entry["notes"],
            dict(entry.get("copies", {})),
            _provenance(entry.get("provenance")),
        )
        for entry in json.loads(metadata["entries"])
    ]
    return identity, metadata["format_version"] == "1", listing, tensors


def _checked(told: _Told, name: str) -> Content:
    identity, first_format, listing, tensors = told
    embeddings = tensors["embeddings"]
    tensors.setdefault("copies", embeddings[:0])
    if first_format:
        tensors["windows"] = np.zeros(len(embeddings), np.int32)
    _check(tensors, identity.embedding_size, name, means=not first_format)
    counted = Counter(one.name for one in listing if isinstance(one.name, str))
    if twice := [each for each, count in counted.items() if count > 1]:
        raise GalleryError(f"{name} is damaged: it has two entries {twice[0]!r}")
    entries = _split([one.checked(name, first_format) for one in listing], tensors, name)
    return Content(identity, entries)


@dataclass(frozen=True)
class _Listed:
    """An entry in the metadata; ``copies`` gives the number of each kind."""

    name: Any
    images: Any
    notes: Any
    copies: dict[Any, Any]
    provenance: Provenance | None = None
    rows: Sequence[int] = ()  # of tensor ``copies``, for each kind

    def checked(self, file: str, first_format: bool) -> _Listed:
        """With the kinds' names and rows as they are. Raises GalleryError."""
        spelled = entry_name(self.name)
        numbers = [self.images, *self.copies.values()]
        names = [
            _KINDS_OF_FORMAT_1.get(kind, "") if first_format else kind for kind in self.copies
        ]
        try:
            for kind in names:
                if not isinstance(kind, str):
                    raise ValueError
                kind_named(kind)
            if not all(type(number) is int and 1 <= number < 2**48 for number in numbers):
                raise ValueError
            if len(names) > _MOST_KINDS:
                raise ValueError("It has too many kinds of copies")
            if not isinstance(self.notes, str):
                raise ValueError
        except ValueError as error:
            raise GalleryError(
                f"{file} is damaged: the entry {self.name!r} is not valid. {error}".strip()
            ) from None
        copies = dict(zip(names, self.copies.values(), strict=True))
        rows = list(copies.values()) if first_format else [1] * len(copies)
        return replace(self, name=spelled, copies=copies, rows=rows)


def _provenance(entry: Any) -> Provenance | None:
    """As it was written. Raises ValueError, TypeError or LookupError."""
    if entry is None:
        return None
    try:
        return checked_provenance(
            Provenance(
                family=entry["family"],
                members=tuple(entry["members"]),
                source=entry["source"],
                formats=tuple((name, count) for name, count in entry["formats"]),
                dates=entry["dates"],
            )
        )
    except GalleryError as error:
        raise ValueError(str(error)) from None


def _check(tensors: Mapping[str, npt.NDArray[Any]], size: int, name: str, *, means: bool) -> None:
    """Raise GalleryError unless the tensors are of the right type and shape."""
    types = {"embeddings": "float32", "copies": "float32", "lossy": "uint8", "windows": "int32"}
    if "windows" not in tensors or any(tensors[key].dtype != types[key] for key in types):
        raise GalleryError(f"{name} is damaged: its tensors have the wrong type")
    embeddings, copies = tensors["embeddings"], tensors["copies"]
    check_embeddings(embeddings, size, f"the embeddings in {name}")
    if not means:
        check_embeddings(copies, size, f"the copies in {name}")
        return
    if copies.ndim != 2 or copies.shape[1] != size:
        raise GalleryError(f"the copies in {name} must have shape (n, {size}), not {copies.shape}")
    for start in range(0, len(copies), _CHECKED):
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.linalg.norm(copies[start : start + _CHECKED], axis=1)
        # Means of unit vectors; values that are not finite fail this comparison too.
        if not (norms < 1 + 1e-3).all():
            raise GalleryError(f"the copies in {name} are no means of embeddings")


def _split(
    listing: Sequence[_Listed], tensors: Mapping[str, npt.NDArray[Any]], name: str
) -> dict[str, Entry]:
    embeddings, lossy, windows, copies = (
        tensors[key] for key in ("embeddings", "lossy", "windows", "copies")
    )
    entries: dict[str, Entry] = {}
    start = copied = 0
    for one in listing:
        kept = {}
        for (kind, count), rows in zip(one.copies.items(), one.rows, strict=True):
            mean: Embeddings = copies[copied : copied + rows]
            if len(mean):
                kept[kind] = CopyMean(CopyMean.of(mean).mean, count)
            copied += rows
        own = slice(start, start + one.images)
        entry = Entry(
            _copied(embeddings[own], name),
            lossy[own] != 0,
            np.array(windows[own]),
            one.notes,
            kept,
            one.provenance,
        )
        # Two spellings of a name, as earlier versions kept them apart, are one entry.
        old = entries.get(one.name)
        entries[one.name] = entry if old is None else old.joined(entry, old.notes or entry.notes)
        start += one.images
    if (start, copied) != (len(embeddings), len(copies)) or not (
        lossy.shape == windows.shape == (start,) and (windows >= 0).all()
    ):
        raise GalleryError(f"{name} is damaged: its entries and its tensors disagree")
    return entries


def _copied(rows: Embeddings, name: str) -> Embeddings:
    """Rows of the file in memory: it may be replaced, cut or written to later."""
    try:
        return np.array(rows)
    except MemoryError as error:
        raise GalleryError(f"{name} does not fit in memory") from error
