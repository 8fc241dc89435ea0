"""A gallery in a ``.fpg`` file, as a store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import path_of
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.gallery.entry import Entry, entry_name
from fingerprint_sdk.gallery.file import Content, read
from fingerprint_sdk.gallery.gallery import Gallery
from fingerprint_sdk.gallery.stores.store import Near, by_cosine, packed, probe
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.stream import positive


@dataclass(frozen=True)
class FileStore:
    """The file at ``path``; see ``GalleryStore``. It is read whole, and written whole."""

    path: str | os.PathLike[str]

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

    def put(self, name: str, entry: Entry, model: ModelIdentity) -> Entry:
        """See ``GalleryStore.put``."""
        name = entry_name(name)
        packed(name, entry, model)  # or its errors
        new = Gallery(content=Content(model, {name: entry}))
        with Gallery.changing(self._path, create=True) as gallery:
            gallery.merge(new, on_duplicate="add")
            return gallery[name]

    def remove(self, name: str) -> None:
        """See ``GalleryStore.remove``."""
        with Gallery.changing(self._path) as gallery:
            gallery.remove(name)

    def nearest(self, embedding: npt.NDArray[np.floating], top: int = 10) -> tuple[Near, ...]:
        """See ``GalleryStore.nearest``; none is missing."""
        content = self.load()
        row = probe(embedding, content.identity.embedding_size)
        return by_cosine(content.entries, row, positive("top", top, 10, GalleryError))

    @property
    def _path(self) -> Path:
        return path_of(self.path)
