"""The gallery file, ``.fpg``: its content, and reading and writing it safely.

It is a safetensors file. Tensor ``embeddings`` (float32, (N, D)) holds the image embeddings of
all entries in a row, tensor ``lossy`` (uint8, (N,)) whether each image carries lossy compression.
If an entry has copies, tensor ``copies`` (float32, (M, D)) holds their embeddings.
The metadata name the format, the model (with the SHA-256 of its file, since embeddings of two
models cannot be compared) and, as JSON, each entry's name, count, notes and copies of each kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.embeddings_file import (
    Embeddings,
    Format,
    check_embeddings,
    encode_tensors,
    read_tensors,
    reading,
)
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.images.copies import KINDS
from fingerprint_sdk.runtime.contract import ModelIdentity

FORMAT = Format("gallery", "fingerprint-gallery", "1")


@dataclass(frozen=True, eq=False)
class Entry:
    """One known model.

    Attributes:
        embeddings: float32, shape (n, D), one L2-normalised row for each enrolled image.
        lossy: bool, shape (n,), True where the image carries lossy compression.
        notes: free text.
        copies: by kind (``images.copies.KINDS``), float32, shape (m, D), the embeddings of
            processed copies of some of the images, L2-normalised.
    """

    embeddings: Embeddings
    lossy: npt.NDArray[np.bool_]
    notes: str = ""
    copies: Mapping[str, Embeddings] = field(default_factory=dict)

    @cached_property
    def fingerprints(self) -> Embeddings:
        """Of the images, then of each kind of copies: float32, shape (1 + kinds, D), read-only.

        L2-normalised means. They are kept, so that a gallery's other entries need not be
        computed again when one changes.
        """
        means = np.stack([mean_embedding(x) for x in (self.embeddings, *self.copies.values())])
        means.setflags(write=False)
        return means

    @property
    def fingerprint(self) -> Embeddings:
        """float32, shape (D,): L2-normalised mean of the images' embeddings."""
        first: Embeddings = self.fingerprints[0]
        return first

    def joined(self, other: Entry, notes: str) -> Entry:
        """The entry of the images of both, and of such copies as either has."""
        copies = {
            kind: np.concatenate([e.copies[kind] for e in (self, other) if kind in e.copies])
            for kind in {**self.copies, **other.copies}
        }
        return Entry(
            np.concatenate([self.embeddings, other.embeddings]),
            np.concatenate([self.lossy, other.lossy]),
            notes,
            copies,
        )


@dataclass(frozen=True, eq=False)
class Content:
    """What a gallery file holds: the model, and the entries by name in the order of enrolment."""

    identity: ModelIdentity
    entries: dict[str, Entry]


def check_name(name: object) -> None:
    """Raise GalleryError unless ``name`` can name an entry."""
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise GalleryError(f"{name!r} is not an entry name: use 1 to 200 printable characters")


def encode(identity: ModelIdentity, entries: Mapping[str, Entry]) -> bytes:
    """A gallery file's bytes."""
    empty = Entry(np.empty((0, identity.embedding_size), np.float32), np.empty(0, bool))
    parts = [empty, *entries.values()]
    tensors: dict[str, npt.NDArray[Any]] = {
        "embeddings": np.concatenate([entry.embeddings for entry in parts]),
        "lossy": np.concatenate([entry.lossy for entry in parts]).astype(np.uint8),
    }
    copies = [rows for entry in entries.values() for rows in entry.copies.values()]
    if copies:
        tensors["copies"] = np.concatenate(copies)
    listing = [
        {"name": name, "images": len(entry.embeddings), "notes": entry.notes}
        | ({"copies": {k: len(v) for k, v in entry.copies.items()}} if entry.copies else {})
        for name, entry in entries.items()
    ]
    return encode_tensors(FORMAT, identity, tensors, {"entries": json.dumps(listing)})


def read(path: Path) -> Content:
    """Read and check a gallery file; see ``Gallery.load``."""
    name = repr(str(path))
    with reading(path, FORMAT):
        identity, metadata, tensors = read_tensors(
            path, FORMAT, ("embeddings", "lossy"), optional=("copies",)
        )
        listing = [
            (entry["name"], entry["images"], entry["notes"], dict(entry.get("copies", {})))
            for entry in json.loads(metadata["entries"])
        ]
    embeddings, lossy = tensors["embeddings"], tensors["lossy"]
    copies = tensors.get("copies", embeddings[:0])
    if {embeddings.dtype, copies.dtype} != {np.dtype(np.float32)} or lossy.dtype != np.uint8:
        raise GalleryError(f"{name} is damaged: its tensors have the wrong type")
    check_embeddings(embeddings, identity.embedding_size, f"the embeddings in {name}")
    check_embeddings(copies, identity.embedding_size, f"the copies in {name}")
    return Content(identity, _split(listing, embeddings, lossy, copies, name))


def _split(
    listing: Iterable[tuple[Any, Any, Any, dict[Any, Any]]],
    embeddings: Embeddings,
    lossy: npt.NDArray[np.uint8],
    copies: Embeddings,
    name: str,
) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    start = copied = 0
    for entry_name, images, notes, counts in listing:
        check_name(entry_name)
        if entry_name in entries:
            raise GalleryError(f"{name} is damaged: it has two entries {entry_name!r}")
        numbers = [images, *counts.values()]
        whole = all(type(number) is int and number >= 1 for number in numbers)
        if not whole or not isinstance(notes, str) or not counts.keys() <= KINDS.keys():
            raise GalleryError(f"{name} is damaged: the entry {entry_name!r} is not valid")
        rows = slice(start, start + images)
        kept = {}
        for kind, count in counts.items():
            kept[kind] = copies[copied : copied + count]
            copied += count
        entries[entry_name] = Entry(embeddings[rows], lossy[rows] != 0, notes, kept)
        start += images
    if (start, copied) != (len(embeddings), len(copies)) or lossy.shape != (start,):
        raise GalleryError(f"{name} is damaged: its entries and its tensors disagree")
    return entries
