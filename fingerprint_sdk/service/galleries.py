"""The galleries that are served: the built-in one, and those of a shelf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Lock

from fingerprint_sdk.errors import GalleryError, StoreError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery import Entry, Gallery
from fingerprint_sdk.gallery.builtin import known_path, shared
from fingerprint_sdk.gallery.entry import entry_name
from fingerprint_sdk.gallery.stores import FileStore, GalleryStore
from fingerprint_sdk.service.problems import Refused
from fingerprint_sdk.service.shelves import Shelf

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_KEPT = 16  # galleries in memory


class Galleries:
    """Galleries by name. Safe to use from several threads; others may change them as well.

    Args:
        extractor: their model.
        shelf: that holds them; None to serve none but the built-in one.
    """

    def __init__(self, extractor: Extractor, shelf: Shelf | None = None) -> None:
        self._extractor = extractor
        self._shelf = shelf
        self._read: dict[str, tuple[object, Gallery]] = {}  # the last used one at the end
        self._lock = Lock()
        self._warm = False
        self.has_known = known_path(extractor) is not None

    @property
    def ready(self) -> bool:
        """Whether all is loaded, and the shelf can be reached."""
        return self._warm and (self._shelf is None or self._shelf.ready)

    def warm(self) -> None:
        """Load the built-in gallery, and have it learn what strangers score in it."""
        if self.has_known:
            gallery = self.known()
            _, entry = gallery.items()[0]
            gallery.search(entry.embeddings[:1], self._extractor.calibration)
        self._warm = True

    def names(self) -> list[str]:
        """Of all galleries on the shelf that have a name to ask for, sorted."""
        names = [] if self._shelf is None else self._shelf.names()
        return [name for name in names if re.fullmatch(NAME, name)]

    def known(self) -> Gallery:
        """The built-in gallery, not to be changed.

        Raises:
            Refused: the model has none.
        """
        if not self.has_known:
            raise Refused(HTTPStatus.NOT_FOUND, "the model has no built-in gallery: name one")
        return shared(self._extractor)

    def searched(self, name: str | None, *, known: bool) -> Gallery:
        """The built-in gallery without a ``name``; else that one, or with ``known`` both.

        Raises:
            Refused: there is none of that name.
            GalleryError: it is broken or of another model, or both have an entry of one name.
        """
        if name is None:
            return self.known()
        gallery = self.get(name)
        if not known:
            return gallery
        both = Gallery(self._extractor)
        both.merge(gallery)
        both.merge(self.known())
        return both

    def get(self, name: str) -> Gallery:
        """The gallery as it is now, not to be changed.

        Raises:
            Refused: there is none of that name.
            GalleryError: it is broken or of another model.
        """
        store = self._store(name)
        with self._lock:
            now = self.check_served().state(name)
            before, gallery = self._read.pop(name, (None, None))
            if now is None:
                raise Refused(HTTPStatus.NOT_FOUND, f"there is no gallery {name!r}")
            if gallery is None or before != now:
                with _named(store, name):
                    gallery = Gallery(self._extractor, content=store.load())
            self._read[name] = (now, gallery)
            while len(self._read) > _KEPT:
                del self._read[next(iter(self._read))]
            return gallery

    def entry(self, name: str, entry: str) -> Entry:
        """An entry of a gallery.

        Raises:
            Refused: there is no such gallery, or no such entry in it.
            GalleryError: the gallery is broken or of another model.
        """
        return _entry(self.get(name), name, entry)

    def enroll(
        self, name: str, entry: str, new: Entry, notes: str | None, *, replace: bool
    ) -> tuple[Entry, bool]:
        """Add to an entry or replace it; a gallery that is not there is made.

        Returns:
            The entry as it is now, and whether it is new.

        Raises:
            Refused: no galleries are served.
            GalleryError: it is broken or of another model, others keep it, or it cannot be
                written.
        """
        store = self._store(name)
        with _named(store, name):
            return store.put(entry, new, self._extractor.identity, notes=notes, replace=replace)

    def remove(self, name: str, entry: str) -> None:
        """Remove an entry.

        Raises:
            Refused: there is no such gallery, or no such entry in it.
            GalleryError: it is broken or of another model, others keep it, or it cannot be
                written.
        """
        store = self._store(name)
        try:
            with _named(store, name):
                store.remove(entry)
        except GalleryError:
            self.entry(name, entry)  # Refused, if that was the reason
            raise

    def check_served(self) -> Shelf:
        """The shelf. Raises Refused if there is none."""
        if self._shelf is None:
            raise Refused(
                HTTPStatus.NOT_FOUND,
                "this server has no galleries of its own, only the built-in one",
            )
        return self._shelf

    def _store(self, name: str) -> GalleryStore:
        shelf = self.check_served()
        if not re.fullmatch(NAME, name):
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"{name!r} is no name of a gallery: use ASCII letters, digits, '.', '_', '-'",
            )
        return shelf.store(name)


def checked_entry_name(name: str) -> str:
    """``entry_name``; Refused, as no state of a gallery would change that."""
    try:
        return entry_name(name)
    except GalleryError as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error


def _entry(gallery: Gallery, name: str, entry: str) -> Entry:
    if entry not in gallery:
        raise Refused(HTTPStatus.NOT_FOUND, f"the gallery {name!r} has no entry {entry!r}")
    return gallery[entry]


@contextmanager
def _named(store: GalleryStore, name: str) -> Iterator[None]:
    """Errors have the gallery's name in them: a path means nothing to a client."""
    try:
        yield
    except StoreError:
        raise
    except GalleryError as error:
        message = str(error)
        if isinstance(store, FileStore):
            path = Path(store.path)
            for known in {str(path), str(path.resolve())}:
                message = message.replace(known, name)
        raise GalleryError(message) from error
