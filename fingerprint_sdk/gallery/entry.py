"""An entry of a gallery: what is known of one model, or of a family of them by one source."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embedding import Embedding, mean_embedding
from fingerprint_sdk.embeddings_file import Embeddings
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.process.forks import cached_property


@dataclass(frozen=True, eq=False)
class CopyMean:
    """What is kept of the copies of one kind: joining two is a weighted mean.

    Attributes:
        mean: float32, shape (D,), the mean of their embeddings, not normalised.
        count: how many copies there are, at least 1.
    """

    mean: Embedding
    count: int

    @staticmethod
    def of(embeddings: Embeddings) -> CopyMean:
        """Of the copies' embeddings, shape (n, D), n >= 1."""
        return CopyMean(
            np.asarray(embeddings.mean(axis=0, dtype=np.float64), np.float32), len(embeddings)
        )

    @staticmethod
    def joined(parts: Sequence[CopyMean]) -> CopyMean:
        """Of all copies of several, at least one."""
        counts = [part.count for part in parts]
        mean = np.average([part.mean.astype(np.float64) for part in parts], axis=0, weights=counts)
        return CopyMean(np.asarray(mean, np.float32), sum(counts))


@dataclass(frozen=True)
class Provenance:
    """What is known of an entry's images beside their embeddings.

    Attributes:
        family: of generators that share an image decoder: entries of one family are one answer.
        members: generators of the family; empty if it is one itself.
        source: who published the images.
        formats: how many of the files are of each format, by its name.
        dates: of the images, or since when there have been any, e.g. "since 2024-08"; or empty.
    """

    family: str
    members: tuple[str, ...] = ()
    source: str = ""
    formats: tuple[tuple[str, int], ...] = ()
    dates: str = ""


@dataclass(frozen=True, eq=False)
class Entry:
    """One known model, or a family of models by one source.

    Attributes:
        embeddings: float32, shape (n, D), one L2-normalised row for each enrolled image.
        lossy: bool, shape (n,), True where the image carries lossy compression.
        windows: int32, shape (n,), how many windows of the image counted; 0 where that is not
            known.
        notes: free text.
        copies: by the name of a kind (``images.processing``), of processed copies of the images,
            or of some of them.
        provenance: None where the entry is what its name says, and no family's.
    """

    embeddings: Embeddings
    lossy: npt.NDArray[np.bool_]
    windows: npt.NDArray[np.int32]
    notes: str = ""
    copies: Mapping[str, CopyMean] = field(default_factory=dict)
    provenance: Provenance | None = None

    @cached_property
    def fingerprints(self) -> Embeddings:
        """Of the images, then of each kind of copies: float32, shape (1 + kinds, D), read-only.

        L2-normalised means. They are kept, so that a gallery's other entries need not be
        computed again when one changes.
        """
        rows = [self.embeddings, *(copy.mean[None] for copy in self.copies.values())]
        means = np.stack([mean_embedding(x) for x in rows])
        means.setflags(write=False)
        return means

    @cached_property
    def lengths(self) -> tuple[float, ...]:
        """Of the means that ``fingerprints`` are made of, before they are normalised."""
        means = [self.embeddings.mean(axis=0, dtype=np.float64)]
        means += [copy.mean.astype(np.float64) for copy in self.copies.values()]
        return tuple(float(np.linalg.norm(mean)) for mean in means)

    @property
    def fingerprint(self) -> Embedding:
        """float32, shape (D,): L2-normalised mean of the images' embeddings."""
        first: Embedding = self.fingerprints[0]
        return first

    def joined(self, other: Entry, notes: str) -> Entry:
        """The entry of the images of both, and of such copies as either has."""
        both = (self, other)
        return Entry(
            np.concatenate([entry.embeddings for entry in both]),
            np.concatenate([entry.lossy for entry in both]),
            np.concatenate([entry.windows for entry in both]),
            notes,
            {
                kind: CopyMean.joined([e.copies[kind] for e in both if kind in e.copies])
                for kind in {**self.copies, **other.copies}
            },
            self.provenance,
        )


def entry_name(name: object) -> str:
    """``name`` in the one spelling that stands for all that look the same (Unicode's NFC).

    Raises:
        GalleryError: it cannot name an entry.
    """
    spelled = unicodedata.normalize("NFC", name) if isinstance(name, str) else ""
    if not spelled.strip() or len(spelled) > 200 or not spelled.isprintable():
        raise GalleryError(f"{name!r} is not an entry name: use 1 to 200 printable characters")
    return spelled


def checked_provenance(found: Provenance) -> Provenance:
    """``found`` with its family's name as ``entry_name`` has it.

    Raises:
        GalleryError: a file could not hold it.
    """
    try:
        texts = [found.source, found.dates, *found.members, *(name for name, _ in found.formats)]
        counts = [count for _, count in found.formats]
        spelled = replace(found, family=entry_name(found.family))
    except (AttributeError, TypeError, ValueError) as error:
        raise GalleryError(f"{found!r} is no provenance: {error}") from error
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise GalleryError("a provenance has a text that is none: use printable characters")
    if not all(type(count) is int and 1 <= count < 2**48 for count in counts):
        raise GalleryError("a provenance has a number of files that is none: give them from 1")
    return spelled
