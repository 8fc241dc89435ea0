"""Where a gallery is, as a command line names it: a file, or a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fingerprint_sdk.gallery.stores import GalleryStore

_SCHEMES = ("postgresql://", "postgres://", "qdrant://", "qdrant+https://")


@dataclass(frozen=True)
class Place:
    """A gallery's place; as text it shows no secret."""

    address: str = field(repr=False)

    def __str__(self) -> str:
        from fingerprint_sdk.gallery.stores import shown

        return shown(self.address) if in_database(self.address) else str(self.path)

    @property
    def path(self) -> Path:
        """Of the file, if it is one."""
        return Path(self.address)

    @property
    def store(self) -> GalleryStore | None:
        """The database; None for a file."""
        from fingerprint_sdk.gallery.stores import store_at

        return store_at(self.address) if in_database(self.address) else None


def in_database(address: str) -> bool:
    """Whether an address is no file's."""
    return address.startswith(_SCHEMES)


def file_only(text: str) -> Path:
    """The path of a gallery file, for commands that take nothing else."""
    if in_database(text):
        raise typer.BadParameter(
            "this command takes gallery files: read and fill galleries in databases with "
            "`identify`, `enroll` and `gallery list`, or in Python (docs/stores.md)"
        )
    return Path(text)
