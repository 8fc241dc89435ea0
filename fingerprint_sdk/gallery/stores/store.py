"""What a gallery needs to be kept and searched elsewhere than in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_embeddings, check_same_model, probe_rows
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.file import Content, decode, encode
from fingerprint_sdk.runtime.contract import ModelIdentity


@dataclass(frozen=True)
class Near:
    """An entry near a vector.

    Attributes:
        name: of the entry.
        score: the largest cosine with a fingerprint of it, of its images or of its copies of any
            kind: -1 to 1, exact, whatever the store's own search says.
    """

    name: str
    score: float


@runtime_checkable
class GalleryStore(Protocol):
    """Where a gallery is kept: in a file, or in a database.

    Verdicts come from ``load``: ``Gallery(content=store.load())`` answers as from a file, number
    for number, since thresholds are what strangers score in all of a gallery. ``nearest`` is for
    looking around in one that is too large for that.

    All raise GalleryError where what it holds is damaged, and StoreError, which is one, where a
    database cannot be reached.
    """

    def model(self) -> ModelIdentity | None:
        """The model of the gallery; None if there is no gallery."""

    def load(self) -> Content:
        """Model and all entries, in the order of their enrolment.

        Raises:
            GalleryError: there is no such gallery.
        """

    def entry(self, name: str) -> Entry:
        """One entry, without the others where the store can do that.

        Raises:
            GalleryError: there is no such entry.
        """

    def put(
        self,
        name: str,
        entry: Entry,
        model: ModelIdentity,
        *,
        notes: str | None = None,
        replace: bool = False,
    ) -> tuple[Entry, bool]:
        """Add an entry, or its images to the one of that name, as ``Gallery.enroll`` does.

        One step: of what several add at once nothing is lost. The gallery is made if there is
        none.

        Args:
            name: as ``Gallery.enroll`` takes it.
            entry: of one image or more.
            model: whose embeddings they are.
            notes: as ``Gallery.enroll`` takes them.
            replace: put it in the place of the one of that name.

        Returns:
            The entry as it is kept now, and whether there was none of that name.

        Raises:
            GalleryError: the name is invalid, or the gallery is of another model.
        """

    def remove(self, name: str) -> None:
        """Remove an entry, in one step. Raises GalleryError if there is none."""

    def nearest(self, embedding: npt.NDArray[np.floating], top: int = 10) -> tuple[Near, ...]:
        """The nearest entries to a vector, by falling score.

        The store proposes, by a search that may be approximate: a near one may be missing. The
        scores are computed here.

        Args:
            embedding: shape (D,), L2-normalised.
            top: how many, at least 1.

        Raises:
            GalleryError: there is no such gallery, or that is no embedding of its model.
        """


def packed(name: str, entry: Entry, model: ModelIdentity) -> bytes:
    """An entry as a database keeps it: a gallery file of one."""
    if not len(entry.embeddings):
        raise GalleryError(f"no images were given for {name!r}")
    check_embeddings(entry.embeddings, model.embedding_size, f"embeddings of {name!r}")
    return encode(model, {name: entry})


def unpacked(contents: Iterable[bytes], where: str) -> Content:
    """What ``packed`` made of some entries, at least one, checked as a file is."""
    found: Content | None = None
    for content in contents:
        one = decode(content, where)
        if found is None:
            found = one
            continue
        check_same_model(found.identity, one.identity, kind="gallery", remedy="enroll")
        if found.entries.keys() & one.entries.keys():
            raise GalleryError(f"{where} is damaged: it has an entry twice")
        found.entries.update(one.entries)
    if found is None:
        raise GalleryError(f"{where} has no entries")
    return found


def joined(old: Entry | None, new: Entry, notes: str | None) -> Entry:
    """The entry to keep where there was one, or none: ``new`` with the images of both."""
    if old is not None:
        return old.joined(new, old.notes if notes is None else notes)
    return new if notes is None else replace(new, notes=notes)


def probe(embedding: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.float32]:
    """A vector to search for, shape (D,). Raises GalleryError if it is none."""
    row = probe_rows(np.asarray(embedding)[None])
    check_embeddings(row, size, "the probe embedding")
    found: npt.NDArray[np.float32] = row[0]
    return found


def by_cosine(
    entries: Mapping[str, Entry], embedding: npt.NDArray[np.float32], top: int
) -> tuple[Near, ...]:
    """The ``top`` nearest of these entries, by falling score."""
    wide = embedding.astype(np.float64)
    found = [
        Near(name, float(np.clip((entry.fingerprints @ wide).max(), -1, 1)))
        for name, entry in entries.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.score, one.name))[:top])
