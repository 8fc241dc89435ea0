"""The galleries of the folder that is served: each a file NAME.fpg in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Lock

from fingerprint_sdk.errors import ArgumentError, GalleryError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery import Entry, Gallery
from fingerprint_sdk.gallery.builtin import known_path, shared
from fingerprint_sdk.gallery.entry import entry_name
from fingerprint_sdk.gallery.file import Saved, saved_at
from fingerprint_sdk.service.problems import Refused

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_SUFFIX = ".fpg"
_KEPT = 16  # galleries in memory
_LOCK_SECONDS = 20.0


class Galleries:
    """Galleries by name. Safe to use from several threads; others may change the files as well.

    Args:
        extractor: their model.
        folder: that holds them; None to serve none but the built-in one.

    Raises:
        ArgumentError: there is no such folder.
    """

    def __init__(self, extractor: Extractor, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise ArgumentError(f"{str(folder)!r} is no folder: make it first")
        self._extractor = extractor
        self._folder = folder
        self._read: dict[str, tuple[Saved, Gallery]] = {}  # the last used one at the end
        self._lock = Lock()
        self._warm = False
        self.has_known = known_path(extractor) is not None

    @property
    def ready(self) -> bool:
        """Whether all is loaded, and the folder is there."""
        return self._warm and (self._folder is None or self._folder.is_dir())

    def warm(self) -> None:
        """Load the built-in gallery, and have it learn what strangers score in it."""
        if self.has_known:
            gallery = self.known()
            _, entry = gallery.items()[0]
            gallery.search(entry.embeddings[:1], self._extractor.calibration)
        self._warm = True

    def names(self) -> list[str]:
        """Of all galleries in the folder, sorted."""
        if self._folder is None:
            return []
        found = (path for path in self._folder.glob(f"*{_SUFFIX}") if path.is_file())
        return sorted(path.stem for path in found if re.fullmatch(NAME, path.stem))

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
        """The gallery as its file is now, not to be changed.

        Raises:
            Refused: there is none of that name.
            GalleryError: it is broken or of another model.
        """
        path = self._path(name)
        with self._lock:
            now = saved_at(path)
            if now.state is None:
                self._read.pop(name, None)
                raise Refused(HTTPStatus.NOT_FOUND, f"there is no gallery {name!r}")
            before, gallery = self._read.pop(name, (None, None))
            if gallery is None or before != now:
                with _named(path, name):
                    gallery = Gallery.load(path, self._extractor)
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
            GalleryError: the file is broken or of another model, others keep it, or it cannot be
                written.
        """
        path = self._path(name)
        with (
            _named(path, name),
            Gallery.changing(path, self._extractor, create=True, timeout=_LOCK_SECONDS) as gallery,
        ):
            made = entry not in gallery
            if replace and not made:
                gallery.remove(entry)
            gallery.enroll(entry, new, notes=notes)
            return gallery[entry], made

    def remove(self, name: str, entry: str) -> None:
        """Remove an entry.

        Raises:
            Refused: there is no such gallery, or no such entry in it.
            GalleryError: the file is broken or of another model, others keep it, or it cannot be
                written.
        """
        path = self._path(name)
        if not path.is_file():
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no gallery {name!r}")
        with (
            _named(path, name),
            Gallery.changing(path, self._extractor, timeout=_LOCK_SECONDS) as gallery,
        ):
            _entry(gallery, name, entry)
            gallery.remove(entry)

    def check_served(self) -> Path:
        """The folder. Raises Refused if there is none."""
        if self._folder is None:
            raise Refused(
                HTTPStatus.NOT_FOUND,
                "this server has no folder of galleries, only the built-in one",
            )
        return self._folder

    def _path(self, name: str) -> Path:
        folder = self.check_served()
        if not re.fullmatch(NAME, name):
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"{name!r} is no name of a gallery: use ASCII letters, digits, '.', '_', '-'",
            )
        return folder / f"{name}{_SUFFIX}"


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
def _named(path: Path, name: str) -> Iterator[None]:
    """Errors have the gallery's name in them: the path means nothing to a client."""
    try:
        yield
    except GalleryError as error:
        message = str(error)
        for known in {str(path), str(path.resolve())}:
            message = message.replace(known, name)
        raise GalleryError(message) from error
