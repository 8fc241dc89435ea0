"""An index: the fingerprints of many single images, to be searched for those like a probe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_embeddings, held, path_of, probe_rows
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.evidence.side import side_of
from fingerprint_sdk.extractor import Extractor, Failure
from fingerprint_sdk.files import LOCK_SECONDS
from fingerprint_sdk.index.add import new_rows
from fingerprint_sdk.index.file import Content, Stored, read, save
from fingerprint_sdk.index.names import name_set, named
from fingerprint_sdk.index.nearest import make_graph, nearest_rows
from fingerprint_sdk.index.result import SearchResult, judged
from fingerprint_sdk.index.rows import Rows
from fingerprint_sdk.model_slot import ModelSlot
from fingerprint_sdk.process.forks import Lock
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.stream import positive
from fingerprint_sdk.text import visible

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Images
    from fingerprint_sdk.images import ImageInput
    from fingerprint_sdk.images.quality import Quality


class Index:
    """Many images by name, each with its embedding. Safe to use from several threads.

    It is safe in several processes, too: pickled, it is the path of its file, which must be saved
    with all changes, and is opened again where it arrives.

    Search is exact. For a service that answers many queries, ``build_graph`` makes an approximate
    one.

    Of a million images of 641 numbers, on two cores: opening takes 0.6 to 2 s and 3.1 GB of
    memory, 2.6 of which are pages of the file; a search 0.1 to 0.4 s; adding one image and saving
    0.2 s. See docs/galleries.md.

    Args:
        model: the extractor; None for the default model, which is then loaded at first use.
        half: keep embeddings as float16: half the file and the memory, scores off by up to about
            0.001, and a search takes four times as long.
        content: what a file holds, see ``load``; None for an empty index.

    Raises:
        GalleryError: the content is of another model.

    Attributes:
        failures: the images the last ``add`` or ``build`` left out.

    Example:
        >>> index = Index.build(["1.png", "2.png"])            # doctest: +SKIP
        >>> index.save("pictures.fpi")                         # doctest: +SKIP
        >>> Index.load("pictures.fpi").search("x.png", top=3)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Extractor | None = None,
        *,
        half: bool = False,
        content: Content | None = None,
    ) -> None:
        self.failures: tuple[Failure, ...] = ()
        stored = None if content is None else content.identity
        self._slot = ModelSlot(model, stored, kind="index", remedy="index")
        self._half = half if content is None else content.rows.half
        self._lock = Lock()
        self._saving = Lock()  # searches go on while a file is written
        self._rows: Rows | None = None  # before the model is known, and with it their size
        self._places: dict[str, int] = {}
        self._graph: tuple[Rows, Any] | None = None
        self._stored: Stored | None = None  # the file it was opened from or last saved to
        self._removals = self._saved_removals = 0  # as long as both are equal, its rows are first
        if content is not None:
            self._extend(content.rows)
            self._stored = content.stored

    @classmethod
    def build(
        cls,
        images: Iterable[ImageInput],
        *,
        names: Sequence[str] | None = None,
        model: Extractor | None = None,
        half: bool = False,
        on_error: Literal["skip", "raise"] = "skip",
        progress: Callable[[int], None] | None = None,
    ) -> Index:
        """A new index of ``images``; see the class and ``add`` for the arguments."""
        index = cls(model, half=half)
        index.add(images, names=names, on_error=on_error, progress=progress)
        return index

    def __reduce__(self) -> tuple[Callable[..., Index], tuple[object, ...]]:
        with self._lock:
            rows, stored = self._content(), self._stored
            changed = self._removals != self._saved_removals
        if stored is None or changed or stored.rows != len(rows):
            raise GalleryError(
                "an index goes to another process by its file: save it first, with all its changes"
            )
        return self._opened_again, (stored.path, self._slot, rows.digest)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __repr__(self) -> str:
        model = "no model yet" if self.model is None else self.model.name
        return visible(f"<Index of {len(self)} images, {model}>")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images, in the order they were added."""
        return () if self._rows is None else self._rows.names

    @property
    def model(self) -> ModelIdentity | None:
        """The model the embeddings belong to; None before the first use of a new index."""
        return self._slot.identity

    @property
    def half(self) -> bool:
        """Whether embeddings are kept as float16."""
        return self._half

    def add(
        self,
        images: Iterable[ImageInput],
        *,
        names: Sequence[str] | None = None,
        on_error: Literal["skip", "raise"] = "skip",
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Failure, ...]:
        """Add images. All that are usable, or after an error none.

        Args:
            images: an iterable, consumed little by little.
            names: one for each image; None to name each by its path.
            on_error: "skip" leaves out images that are unusable, flat, tiny or untypical; "raise"
                stops at the first.
            progress: called with the number of images done so far.

        Returns:
            The images left out, also kept as ``failures``.

        Raises:
            ImageError: with ``on_error="raise"``, an image is one of those.
            GalleryError: a name is missing, invalid, or in the index already.
        """
        extractor = self._slot.extractor()
        used: list[str] = []
        stamps: list[tuple[int, int]] = []
        watched = named(images, names, self, used, stamps)
        result = extractor.embed_many(watched, on_error=on_error, progress=progress)
        if names is not None and len(used) != len(names):
            raise GalleryError(f"{len(names)} names were given for {len(used)} images")
        more, unfit = new_rows(result, used, stamps, half=self._half)
        if unfit and on_error == "raise":
            raise unfit[0].error
        check_embeddings(more.blocks[0], extractor.embedding_size, "the images' embeddings")
        with self._lock:
            if clash := next((name for name in more.names if name in self), None):
                raise GalleryError(f"{clash!r} was added meanwhile: give other names")
            self._extend(more)
        self.failures = tuple(sorted((*result.failures, *unfit), key=lambda f: f.index))
        return self.failures

    def merge(self, other: Index, *, on_duplicate: Literal["error", "keep"] = "error") -> None:
        """Take over the images of another index of the same model, and as exact.

        Args:
            other: left as it is.
            on_duplicate: what to do with a name both have: "error", or "keep" the image that is
                here already.

        Raises:
            GalleryError: the models differ, or one index keeps float16; or names are duplicate,
                and nothing is merged then.
        """
        if other.model is None:
            return
        self._slot.join(other.model)
        incoming = other._content()
        if incoming.half != self.half:
            raise GalleryError("only one of the indexes keeps float16: index the images again")
        with self._lock:
            new = np.array([name not in self for name in incoming.names], bool)
            if on_duplicate == "error" and not new.all():
                raise GalleryError(
                    f"{incoming.names[int(new.argmin())]!r} is in both indexes: remove one, or "
                    "merge with on_duplicate='keep'"
                )
            if new.any():
                self._extend(incoming.kept(new))

    def remove(self, names: Iterable[str]) -> None:
        """Remove images. Raises GalleryError, and removes none, if one is not there.

        Of a file that is open, the 16,384 rows around each image removed are copied to memory.
        """
        with self._lock:
            if not (gone := name_set(names)):
                return
            if missing := sorted(gone - self._places.keys()):
                raise GalleryError(f"the index has no image {missing[0]!r}: check the name")
            keep = np.ones(len(self), bool)
            keep[[self._places[name] for name in gone]] = False
            self._rows = self._content().kept(keep)
            self._places = {name: place for place, name in enumerate(self._rows.names)}
            self._graph = None
            self._removals += 1

    def stamp(self, name: str) -> tuple[int, int]:
        """Size in bytes and time of change in nanoseconds of the file when added, -1 if none."""
        with self._lock:
            if name not in self:
                raise GalleryError(f"the index has no image {name!r}: check the name")
            size, changed = self._content().stamps[self._places[name]]
            return int(size), int(changed)

    def search(
        self,
        images: Images | npt.NDArray[np.floating],
        top: int = 10,
        *,
        fmr: float | None = None,
        exact: bool = False,
        quality: tuple[Quality, ...] = (),
    ) -> SearchResult:
        """Which images are most likely by the generator of the probe?

        Args:
            images: one image, or an iterable of images by one generator. Or their embeddings,
                float, shape (D,) or (n, D).
            top: number of images wanted.
            fmr: false match rate of one comparison; None for the model's default.
            exact: do not use the graph, if there is one.
            quality: of the images whose embeddings are given, if known.

        Raises:
            ImageError: an image cannot be used, or none is given.
            GalleryError: the index is empty or belongs to another model.
            OperatingPointError: ``fmr`` lies outside the calibrated range.
        """
        extractor = self._slot.extractor()
        calibration = extractor.calibration
        fmr, _ = calibration.check(fmr)
        embeddings, seen = extractor.embedded(images)
        quality = seen or quality
        probe = side_of(embeddings, quality, calibration)
        rows, places, _ = self._nearest(probe.embedding[None], top, exact)
        matches = judged(rows, places[0], probe, calibration, fmr)
        return SearchResult(matches, fmr, len(rows.names), quality)

    def nearest(
        self, probes: npt.NDArray[np.floating], top: int = 10, *, exact: bool = False
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Search by embeddings.

        Args:
            probes: shape (q, D), L2-normalised, by the index's model.
            top: number of images wanted for each.
            exact: do not use the graph, if there is one.

        Returns:
            Places in ``names`` and cosine scores, both of shape (q, min(top, len(self))), by
            falling score.

        Raises:
            GalleryError: the index is empty, or the probes are not L2-normalised rows.
        """
        _, places, scores = self._nearest(probe_rows(probes), top, exact)
        return places, scores

    def build_graph(self) -> None:
        """Make a graph (HNSW, by usearch) that later searches use instead of the exact search.

        It takes two minutes for each 100,000 images on two cores, and a kilobyte of memory for
        each image; it is not saved, and is dropped when the index changes. It finds nearly always
        the same images (recall of the best ten >= 0.99), with the same scores.

        Raises:
            FingerprintError: usearch is not installed (extra ``search``).
        """
        rows = self._content()
        self._graph = rows, make_graph(rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a ``.fpi`` file, whole or not at all.

        In the file it was opened from or last saved to, images that were added since are added,
        which costs what they cost alone: milliseconds for one. After a removal, or a thousand
        savings, it is replaced. That takes 4 to 10 s for a million images, and hardly any memory
        beside that of the open index. It is left alone when somebody else has changed it since:
        where several may, use ``changing``. Any other file is replaced.

        Raises:
            GalleryError: the file cannot be written, or was changed meanwhile; an older one is
                left as it was.
        """
        identity = self.model or self._slot.extractor().identity
        with self._saving:
            with self._lock:
                rows, stored, removals = self._content(), self._stored, self._removals
                grown = removals == self._saved_removals
            stored = save(path, identity, rows, stored, grown=grown)
            with self._lock:
                self._stored, self._saved_removals = stored, removals

    @classmethod
    @contextmanager
    def changing(
        cls,
        path: str | os.PathLike[str],
        model: Extractor | None = None,
        *,
        create: bool = False,
        half: bool = False,
        timeout: float = LOCK_SECONDS,
    ) -> Iterator[Index]:
        """Open a ``.fpi`` file, change it and save it as one step, of which nothing is lost.

        See ``Gallery.changing``: add to a new index before, and merge that one here.

        Args:
            path: the file.
            model: see ``load``.
            create: begin with an empty index if there is no file.
            half: of that, see the class.
            timeout: seconds to wait for others.

        Raises:
            GalleryError: the file is missing, broken or of another model, others kept it for
                ``timeout`` seconds, or it cannot be written.
        """
        with held(path, timeout):
            new = create and not os.path.exists(path)
            index = cls(model, half=half) if new else cls.load(path, model)
            yield index
            index.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Extractor | None = None) -> Index:
        """Open a ``.fpi`` file and check all of it.

        The embeddings stay in the file: they are mapped, and take memory that the system can have
        back. So do not write into the file while the index is in use; replacing it, as a later
        ``save`` or ``mv`` does, is fine. (On Windows they are read.)

        Args:
            path: the file.
            model: the extractor to go on with; None for the default model, at first use.

        Raises:
            GalleryError: the file is missing, broken, not an index, or of another model.
        """
        return cls(model, content=read(path_of(path)))

    @classmethod
    def _opened_again(cls, path: str, slot: ModelSlot, digest: str) -> Index:
        """An index in another process, from the file of its original, if that is as it was."""
        content = read(Path(path))
        if content.rows.digest != digest or content.identity != slot.identity:
            raise GalleryError(f"{path!r} was changed since the index was opened: open it again")
        index = cls(content=content)
        index._slot = slot
        return index

    def _nearest(
        self, probes: npt.NDArray[np.float32], top: int, exact: bool
    ) -> tuple[Rows, npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        top = positive("top", top, 10, GalleryError)
        with self._lock:
            rows, graph = self._content(), self._graph
        if not rows.names:
            raise GalleryError("the index is empty: add images first")
        check_embeddings(probes, rows.size, "probe embeddings")
        usable = graph[1] if graph is not None and graph[0] is rows and not exact else None
        places, scores = nearest_rows(rows, probes, top, usable, self._lock)
        return rows, places, scores

    def _content(self) -> Rows:
        with self._lock:
            if self._rows is None:
                size = self._slot.extractor().embedding_size
                self._rows = Rows.empty(size, half=self._half)
            return self._rows

    def _extend(self, more: Rows) -> None:
        rows = more if self._rows is None else Rows.joined([self._rows, more])
        self._places.update(zip(more.names, range(len(self), len(rows)), strict=True))
        self._rows, self._graph = rows, None
