"""A gallery in a ``.fpg`` file, as a store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_same_model, held, path_of
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.files import LOCK_SECONDS
from fingerprint_sdk.gallery.entry import Entry, entry_name
from fingerprint_sdk.gallery.file import Content, read
from fingerprint_sdk.gallery.gallery import Gallery
from fingerprint_sdk.gallery.stores.store import Near, by_cosine, joined, packed, probe
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.stream import positive


@dataclass(frozen=True)
class FileStore:
    """The file at ``path``; see ``GalleryStore``. It is read whole, and written whole.

    Args:
        path: of the file.
        timeout: seconds to wait for others who change it.
    """

    path: str | os.PathLike[str]
    timeout: float = LOCK_SECONDS

    def __str__(self) -> str:
        return os.fspath(self.path)

    def model(self) -> ModelIdentity | None:
        """See ``GalleryStore.model``."""
        return self.load().identity if os.path.exists(self.path) else None

    def load(self) -> Content:
        """See ``GalleryStore.load``."""
        return read(self._path)

    def entry(self, name: str) -> Entry:
        """See ``GalleryStore.entry``."""
        return Gallery.load(self._path)[name]

    def put(
        self,
        name: str,
        entry: Entry,
        model: ModelIdentity,
        *,
        notes: str | None = None,
        replace: bool = False,
    ) -> tuple[Entry, bool]:
        """See ``GalleryStore.put``."""
        name = entry_name(name)
        packed(name, entry, model)  # or its errors
        with held(self._path, self.timeout):
            there = os.path.exists(self._path)
            kept = read(self._path) if there else Content(model, {})
            check_same_model(kept.identity, model, kind="gallery", remedy="enroll")
            old = kept.entries.get(name)
            new = joined(None if replace else old, entry, notes)
            Gallery(content=Content(model, {**kept.entries, name: new})).save(self._path)
        return new, old is None

    def remove(self, name: str) -> None:
        """See ``GalleryStore.remove``."""
        with Gallery.changing(self._path, timeout=self.timeout) as gallery:
            gallery.remove(name)

    def nearest(self, embedding: npt.NDArray[np.floating], top: int = 10) -> tuple[Near, ...]:
        """See ``GalleryStore.nearest``; none is missing."""
        content = self.load()
        row = probe(embedding, content.identity.embedding_size)
        return by_cosine(content.entries, row, positive("top", top, 10, GalleryError))

    @property
    def _path(self) -> Path:
        return path_of(self.path)
