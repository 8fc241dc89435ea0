"""A gallery: the known models' fingerprints, in one portable file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embeddings_file import changed_meanwhile, deliver, held, path_of
from fingerprint_sdk.errors import GalleryError, ImageError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.files import LOCK_SECONDS, write_bytes, writing
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.enroll import new_entry
from fingerprint_sdk.gallery.entry import Entry, Provenance, checked_provenance, entry_name
from fingerprint_sdk.gallery.export import csv_table, parquet_table
from fingerprint_sdk.gallery.file import Content, Saved, encode, read, saved_at
from fingerprint_sdk.gallery.fingerprints import fingerprints_of
from fingerprint_sdk.gallery.search import rank
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.model_slot import ModelSlot
from fingerprint_sdk.process.forks import Lock
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.text import visible

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Images
    from fingerprint_sdk.gallery.check import GalleryCheck
    from fingerprint_sdk.images import ImageInput


class Gallery:
    """Known models by name, each with the embeddings of some of its images.

    The images themselves are not needed once enrolled. Safe to use from several threads and
    processes; pickled, a gallery takes its entries and its extractor along.

    Of 10,000 entries of ten embeddings, the first search takes some seconds, since it asks the
    gallery what strangers score in it, and later ones some ms. After a change what is known of the
    other entries is kept, and a search takes a second or two.

    Args:
        model: the extractor to enroll and identify with; None for the default model, which is
            then loaded at first use.
        content: what a file holds, see ``load``; None for an empty gallery.

    Raises:
        GalleryError: the content is of another model.

    Example:
        >>> gallery = Gallery()                                   # doctest: +SKIP
        >>> gallery.enroll("sdxl", ["a.png", "b.png"])            # doctest: +SKIP
        >>> gallery.save("models.fpg")                            # doctest: +SKIP
        >>> Gallery.load("models.fpg").identify("x.png").best     # doctest: +SKIP
    """

    def __init__(self, model: Extractor | None = None, *, content: Content | None = None) -> None:
        stored = None if content is None else content.identity
        self._slot = ModelSlot(model, stored, kind="gallery", remedy="enroll")
        self._entries: dict[str, Entry] = {} if content is None else dict(content.entries)
        self._lock = Lock()
        self._background: Background | None = None
        self._saved: Saved | None = None if content is None else content.saved

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_background": None}  # computed again where it is needed

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return _spelled(name) in self._entries

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[_spelled(name)]
        except KeyError:
            raise GalleryError(f"the gallery has no entry {name!r}: {self._listed()}") from None

    def __repr__(self) -> str:
        model = "no model yet" if self.model is None else self.model.name
        return visible(f"<Gallery of {len(self)} entries, {model}>")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries, in the order of their enrolment."""
        return tuple(self._entries)

    @property
    def model(self) -> ModelIdentity | None:
        """The model the embeddings belong to; None before the first use of a new gallery."""
        return self._slot.identity

    @property
    def extractor(self) -> Extractor:
        """What the gallery enrolls and identifies with; the default model is loaded here.

        Raises:
            GalleryError: the embeddings are not by the default model.
        """
        return self._slot.extractor()

    def items(self) -> tuple[tuple[str, Entry], ...]:
        """Name and entry of all, in the order of their enrolment."""
        return tuple(self._entries.items())

    def enroll(
        self,
        name: str,
        images: Images | npt.NDArray[np.floating] | Entry,
        *,
        notes: str | None = None,
        copies: bool = True,
        provenance: Provenance | None = None,
    ) -> tuple[Quality, ...]:
        """Add images to the entry ``name``, which is made if there is none.

        All or nothing: after an error the gallery is as before.

        Args:
            name: 1 to 200 printable characters; spellings that look the same are one name
                (Unicode's NFC).
            images: one image or an iterable of images, all by one model; or their embeddings, a
                float array of shape (D,) or (n, D), L2-normalised, by this gallery's model; or an
                entry of another gallery of that model.
            notes: free text, replaces the entry's; None leaves it.
            copies: also keep what each image becomes at other sizes and as JPEG, WebP and AVIF
                (``images.copies.BANK``), as a mean of each kind. A probe that was recompressed or
                resized since is then looked for among its like; without, it is hardly ever found.
                It takes about 20 times as long, 18 s of one core instead of 1 s for ten images of
                512 px or more. Of embeddings there are none.
            provenance: names the family that the entry is of, and its source; entries of one
                family are one answer. None for an entry of its own, or leaves an old one's.

        Returns:
            The quality of each image; empty when embeddings or an entry were given.

        Raises:
            ImageError: an image cannot be used, or is flat and has no fingerprint.
            GalleryError: the name, the provenance or the embeddings are invalid, or nothing was
                given.
        """
        name = entry_name(name)
        if provenance is not None:
            provenance = checked_provenance(provenance)
        entry, quality = new_entry(
            self.extractor, name, images, notes, copies=copies, provenance=provenance
        )
        with self._lock:
            old = self._entries.get(name)
            if old is not None:
                entry = old.joined(entry, old.notes if notes is None else notes)
            if provenance is not None:
                entry = replace(entry, provenance=provenance)
            self._set({**self._entries, name: entry})
        return quality

    def remove(self, name: str) -> None:
        """Remove an entry. Raises GalleryError if there is none."""
        name = _spelled(name)
        with self._lock:
            self[name]
            self._set({key: entry for key, entry in self._entries.items() if key != name})

    def rename(self, name: str, new_name: str) -> None:
        """Rename an entry, keeping its place.

        Raises GalleryError if there is none, or if ``new_name`` is taken or invalid.
        """
        name, new_name = _spelled(name), entry_name(new_name)
        with self._lock:
            self[name]
            if new_name != name and new_name in self:
                raise GalleryError(f"cannot rename {name!r}: {new_name!r} exists, remove it first")
            self._set({new_name if k == name else k: v for k, v in self._entries.items()})

    def merge(self, other: Gallery, *, on_duplicate: Literal["error", "add"] = "error") -> None:
        """Take over the entries of another gallery of the same model.

        Args:
            other: left as it is.
            on_duplicate: what to do with a name both have: "error", or "add" its images.

        Raises:
            GalleryError: the models differ, or names are duplicate; nothing is merged then.
        """
        if other.model is None:
            return
        self._slot.join(other.model)
        incoming = other.items()
        with self._lock:
            duplicate = [name for name, _ in incoming if name in self]
            if duplicate and on_duplicate == "error":
                raise GalleryError(
                    f"both galleries have {', '.join(map(repr, duplicate))}: rename or remove "
                    "one, or merge with on_duplicate='add'"
                )
            entries = dict(self._entries)
            for name, entry in incoming:
                old = entries.get(name)
                entries[name] = entry if old is None else old.joined(entry, old.notes)
            self._set(entries)

    def identify(
        self,
        images: Images | npt.NDArray[np.floating],
        *,
        fpir: float | None = None,
        fnir: float | None = None,
        prior: float = 0.5,
        top: int = 5,
    ) -> Identification:
        """Which entry made the image, or the set of images by one generator?

        See ``Extractor.identify`` for arguments and errors.
        """
        return self.extractor.identify(images, self, fpir=fpir, fnir=fnir, prior=prior, top=top)

    def identify_many(
        self,
        images: Iterable[ImageInput],
        *,
        fpir: float | None = None,
        fnir: float | None = None,
        prior: float = 0.5,
        top: int = 5,
    ) -> Iterator[Identification | ImageError]:
        """One answer for each image, in their order; an unusable one gives its error instead.

        See ``Extractor.identify`` for the other arguments and errors.
        """
        result = self.extractor.embed_many(images)
        failed = {failure.index: failure.error for failure in result.failures}
        rows = iter(zip(result.embeddings, result.quality, strict=True))
        for index in range(len(result.indices) + len(failed)):
            if index in failed:
                yield failed[index]
                continue
            row, quality = next(rows)
            yield self.search(
                row[None],
                self.extractor.calibration,
                quality=(quality,),
                fpir=fpir,
                fnir=fnir,
                prior=prior,
                top=top,
            )

    def search(
        self,
        embeddings: npt.NDArray[np.floating],
        calibration: Calibration,
        *,
        quality: tuple[Quality, ...] = (),
        fpir: float | None = None,
        fnir: float | None = None,
        prior: float = 0.5,
        top: int = 5,
    ) -> Identification:
        """Exact search for the source of probes given as embeddings.

        Args:
            embeddings: shape (n, D), image embeddings of one source, n >= 1.
            calibration: of the gallery's model.
            quality: of the probe images, if known.
            fpir, fnir, prior, top: see ``Extractor.identify``.

        Raises:
            GalleryError: the gallery is empty, or the embeddings are not L2-normalised rows.
            OperatingPointError: a rate lies outside the calibrated range.
        """
        fpir, fnir = calibration.check(fpir, fnir)
        with self._lock:
            background = self._known()
        return rank(
            background,
            embeddings,
            calibration,
            quality=quality,
            fpir=fpir,
            fnir=fnir,
            prior=prior,
            top=top,
        )

    def check(self, *, fpir: float | None = None, fnir: float | None = None) -> GalleryCheck:
        """What to expect of this gallery, and what in it looks wrong.

        Each enrolled image is taken out of its entry, whose mean is computed without it, and
        looked up by itself: how often its own entry comes first, and is named. Entries are
        verified against each other, images compared with all others. An entry of one image
        cannot be looked up, and images are compared as enrolled, not by copies.

        Of 10,000 entries of ten, 20,000 images are looked up, some of each entry: all takes a
        minute on two cores, and 0.5 GB of memory beside the gallery's own. Up to 1,000 entries of
        ten, 6 s, all images are. At most 2,000 pairs of entries are verified, the most alike.

        Args:
            fpir, fnir: rates to look up at, see ``Extractor.identify``.

        Raises:
            GalleryError: the gallery is empty.
            OperatingPointError: a rate lies outside the calibrated range.
        """
        from fingerprint_sdk.gallery.check.examine import examine

        extractor = self.extractor
        fpir, fnir = extractor.calibration.check(fpir, fnir)
        with self._lock:
            background = self._known()
        return examine(
            background,
            extractor.calibration,
            model=f"{extractor.name} {extractor.version}",
            fpir=fpir,
            fnir=fnir,
        )

    def check_model(self, extractor: Extractor) -> None:
        """Raise GalleryError unless the gallery's embeddings are by this extractor."""
        self._slot.check(extractor.identity)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the gallery to a ``.fpg`` file, whole or not at all.

        An older file is replaced; but not one that this gallery was opened from or saved to, and
        that somebody else has changed since. Where several may change a file, use ``changing``.

        Raises:
            GalleryError: the file cannot be written, or was changed meanwhile; an older one is
                left as it was.
        """
        identity = self.model or self.extractor.identity
        with self._lock:
            content = encode(identity, dict(self.items()))
            with held(path), writing(path, GalleryError):
                if self._saved is not None and self._saved.is_older(path):
                    raise changed_meanwhile(path, "gallery")
                write_bytes(path, content)
                self._saved = saved_at(path)

    @classmethod
    @contextmanager
    def changing(
        cls,
        path: str | os.PathLike[str],
        model: Extractor | None = None,
        *,
        create: bool = False,
        timeout: float = LOCK_SECONDS,
    ) -> Iterator[Gallery]:
        """Read a ``.fpg`` file, change it and save it as one step, of which nothing is lost.

        Nobody else changes the file meanwhile who uses this class or the ``fingerprint`` command,
        in whatever thread, process or machine: they wait. After an error nothing is saved. What
        takes long is better done before: enroll in a new gallery, and merge that one here.

        Args:
            path: the file.
            model: see ``load``.
            create: begin with an empty gallery if there is no file.
            timeout: seconds to wait for others.

        Raises:
            GalleryError: the file is missing, broken or of another model, others kept it for
                ``timeout`` seconds, or it cannot be written.

        Example:
            >>> with Gallery.changing("models.fpg", create=True) as gallery:  # doctest: +SKIP
            ...     gallery.enroll("sdxl", ["a.png", "b.png"])
        """
        with held(path, timeout):
            new = create and not os.path.exists(path)
            gallery = cls(model) if new else cls.load(path, model)
            before = gallery.items()
            yield gallery
            if new or gallery.items() != before:
                gallery.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Extractor | None = None) -> Gallery:
        """Read a ``.fpg`` file and check all of it.

        Args:
            path: the file.
            model: the extractor to go on with; None for the default model, at first use.

        Raises:
            GalleryError: the file is missing, broken, not a gallery, or of another model.
        """
        return cls(model, content=read(path_of(path)))

    def export_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each entry: name, images, notes, and the fingerprint's D values.

        Raises:
            GalleryError: the file cannot be written.
        """
        deliver(path, csv_table(self.model, self._entries))

    def export_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write an Apache Parquet file of one row for each entry.

        Columns: name, images, notes, fingerprint (D float32) and embeddings (a list of D float32
        for each image). The file's metadata name the model.

        Raises:
            GalleryError: the file cannot be written.
            FingerprintError: pyarrow is not installed (extra ``parquet``).
        """
        deliver(path, parquet_table(self.model, self._entries))

    def _set(self, entries: dict[str, Entry]) -> None:
        # A new dict each time: readers without the lock keep a consistent old one.
        self._entries = entries

    def _known(self) -> Background:
        if self._background is None or self._background.entries is not self._entries:
            known = fingerprints_of(self._entries)
            self._background = Background(self._entries, known, before=self._background)
        return self._background

    def _listed(self) -> str:
        return f"it has {', '.join(map(repr, self.names)) or 'none'}"


def _spelled(name: object) -> str:
    """As ``entry_name`` has it; no name of an entry where ``name`` can be none."""
    try:
        return entry_name(name)
    except GalleryError:
        return ""
