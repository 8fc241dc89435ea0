"""Where the galleries that are served stand: in a folder, or in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fingerprint_sdk.errors import ArgumentError, StoreError
from fingerprint_sdk.extras import need
from fingerprint_sdk.gallery.file import saved_at
from fingerprint_sdk.gallery.stores import FileStore, GalleryStore, PostgresStore, is_store

_SUFFIX = ".fpg"
_LOCK_SECONDS = 20.0


class Shelf(Protocol):
    """Galleries by name, which others may change as well."""

    @property
    def ready(self) -> bool:
        """Whether it can be reached."""

    def names(self) -> list[str]:
        """Of all galleries, sorted."""

    def store(self, name: str) -> GalleryStore:
        """Where the gallery of that name is, or would be."""

    def state(self, name: str) -> object | None:
        """Something that is another after each change; None if there is no such gallery."""


@dataclass(frozen=True)
class FolderShelf:
    """A folder, each gallery a file NAME.fpg in it.

    Raises:
        ArgumentError: there is no such folder.
    """

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise ArgumentError(f"{str(self.folder)!r} is no folder: make it first")

    @property
    def ready(self) -> bool:
        """See ``Shelf.ready``."""
        return self.folder.is_dir()

    def names(self) -> list[str]:
        """See ``Shelf.names``."""
        return sorted(path.stem for path in self.folder.glob(f"*{_SUFFIX}") if path.is_file())

    def store(self, name: str) -> FileStore:
        """See ``Shelf.store``."""
        return FileStore(self.folder / f"{name}{_SUFFIX}", _LOCK_SECONDS)

    def state(self, name: str) -> object | None:
        """See ``Shelf.state``."""
        saved = saved_at(self.store(name).path)
        return None if saved.state is None else saved


@dataclass(frozen=True)
class PostgresShelf:
    """The galleries of a database.

    Args:
        server: as ``PostgresStore`` takes it.
    """

    server: str = field(repr=False)

    @property
    def ready(self) -> bool:
        """See ``Shelf.ready``."""
        try:
            self.names()
        except StoreError:
            return False
        return True

    def names(self) -> list[str]:
        """See ``Shelf.names``."""
        return self.store("any").names()

    def store(self, name: str) -> PostgresStore:
        """See ``Shelf.store``."""
        return PostgresStore(self.server, name)

    def state(self, name: str) -> object | None:
        """See ``Shelf.state``."""
        return self.store(name).changes()


def shelf_at(place: str) -> Shelf:
    """A folder, or the database of an address ``postgresql://USER@HOST/DATABASE``.

    Raises:
        ArgumentError: there is no such folder, or it is another database, or one gallery of it.
        FingerprintError: the extra for it is not installed.
    """
    if not is_store(place):
        return FolderShelf(Path(place))
    if not place.startswith(("postgresql://", "postgres://")):
        scheme = place[: place.index("://") + 3]
        raise ArgumentError(f"{scheme}… cannot be served: give a folder or postgresql://…")
    if "#" in place:
        raise ArgumentError("postgresql://… names a gallery: give the database, without #NAME")
    need("psycopg", "postgres", "galleries in PostgreSQL")
    return PostgresShelf(place)
