"""The gallery file, ``.fpg``: its content, and reading and writing it safely.

It is a safetensors file. Tensor ``embeddings`` (float32, (N, D)) holds the image embeddings of
all entries in a row, tensor ``lossy`` (uint8, (N,)) whether each image carries lossy compression.
The metadata name the format, the model (with the SHA-256 of its file, since embeddings of two
models cannot be compared) and, as JSON, each entry's name, count and notes.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.verification import mean_embedding

FORMAT = "fingerprint-gallery"
FORMAT_VERSION = "1"

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ModelIdentity:
    """The model whose embeddings a gallery holds; ``sha256`` decides."""

    name: str
    version: str
    sha256: str
    embedding_size: int


@dataclass(frozen=True, eq=False)
class Entry:
    """One known model.

    Attributes:
        embeddings: float32, shape (n, D), one L2-normalised row for each enrolled image.
        lossy: bool, shape (n,), True where the image carries lossy compression.
        notes: free text.
    """

    embeddings: Embeddings
    lossy: npt.NDArray[np.bool_]
    notes: str = ""

    @property
    def fingerprint(self) -> Embeddings:
        """float32, shape (D,): L2-normalised mean of the images' embeddings."""
        return mean_embedding(self.embeddings)


def check_name(name: object) -> None:
    """Raise GalleryError unless ``name`` can name an entry."""
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise GalleryError(f"{name!r} is not an entry name: use 1 to 200 printable characters")


def check_embeddings(embeddings: npt.NDArray[Any], size: int, what: str) -> None:
    """Raise GalleryError unless all rows are finite, L2-normalised and of length ``size``."""
    if embeddings.ndim != 2 or embeddings.shape[1] != size:
        raise GalleryError(f"{what} must have shape (n, {size}), not {embeddings.shape}")
    # Values that are not finite fail this comparison too.
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(embeddings, axis=1)
    if not (np.abs(norms - 1) < 1e-3).all():
        raise GalleryError(f"{what} are not finite and L2-normalised")


def encode(identity: ModelIdentity, entries: Mapping[str, Entry]) -> bytes:
    """The content of a gallery file."""
    empty = Entry(np.empty((0, identity.embedding_size), np.float32), np.empty(0, bool))
    parts = [empty, *entries.values()]
    tensors: dict[str, npt.NDArray[Any]] = {
        "embeddings": np.concatenate([entry.embeddings for entry in parts]),
        "lossy": np.concatenate([entry.lossy for entry in parts]).astype(np.uint8),
    }
    listing = [
        {"name": name, "images": len(entry.embeddings), "notes": entry.notes}
        for name, entry in entries.items()
    ]
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model_name": identity.name,
        "model_version": identity.version,
        "model_sha256": identity.sha256,
        "embedding_size": str(identity.embedding_size),
        "entries": json.dumps(listing),
    }
    return save(tensors, metadata)


def read(path: Path) -> tuple[ModelIdentity, dict[str, Entry]]:
    """Read and check a gallery file; see ``Gallery.load``."""
    name = repr(str(path))
    if not path.is_file():
        raise GalleryError(f"there is no gallery file {name}: check the path")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise GalleryError(f"{name} is a safetensors file, but not a gallery")
            if metadata.get("format_version") != FORMAT_VERSION:
                raise GalleryError(
                    f"{name} is a gallery of format {metadata.get('format_version')!r}, this "
                    f"package reads {FORMAT_VERSION}: update fingerprint-sdk"
                )
            embeddings, lossy = file.get_tensor("embeddings"), file.get_tensor("lossy")
        identity = ModelIdentity(
            metadata["model_name"],
            metadata["model_version"],
            metadata["model_sha256"],
            int(metadata["embedding_size"]),
        )
        listing = [
            (entry["name"], entry["images"], entry["notes"])
            for entry in json.loads(metadata["entries"])
        ]
    except (SafetensorError, OSError, RecursionError, LookupError, ValueError, TypeError) as error:
        raise GalleryError(f"{name} is not a gallery, or it is damaged: {error}") from error
    if embeddings.dtype != np.float32 or lossy.dtype != np.uint8:
        raise GalleryError(f"{name} is damaged: its tensors have the wrong type")
    check_embeddings(embeddings, identity.embedding_size, f"the embeddings in {name}")
    return identity, _split(listing, embeddings, lossy, name)


def _split(
    listing: Iterable[tuple[Any, Any, Any]],
    embeddings: Embeddings,
    lossy: npt.NDArray[np.uint8],
    name: str,
) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    start = 0
    for entry_name, images, notes in listing:
        check_name(entry_name)
        if entry_name in entries:
            raise GalleryError(f"{name} is damaged: it has two entries {entry_name!r}")
        if type(images) is not int or images < 1 or not isinstance(notes, str):
            raise GalleryError(f"{name} is damaged: the entry {entry_name!r} is not valid")
        rows = slice(start, start + images)
        entries[entry_name] = Entry(embeddings[rows], lossy[rows] != 0, notes)
        start += images
    if start != len(embeddings) or lossy.shape != (start,):
        raise GalleryError(f"{name} is damaged: its entries and its tensors disagree")
    return entries


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file by ``data``, whole or not at all; GalleryError if it cannot be."""
    path = Path(os.path.realpath(path))  # a link stays a link
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise GalleryError(f"cannot write {str(path)!r}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
