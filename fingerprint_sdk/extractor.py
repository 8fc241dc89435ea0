"""The object users hold: images in, fingerprint embeddings and decisions out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embedding import embedding_rows, is_embeddings
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.evidence.side import side_of, without_common
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.images import WINDOW_BUDGET, WINDOW_SIZE, is_single_image, load_image
from fingerprint_sdk.images.coincidence import coincidences
from fingerprint_sdk.images.copies import like, lossy_kind
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.process.cores import cores
from fingerprint_sdk.results import EmbeddingResult, Embeddings, Failure
from fingerprint_sdk.runtime import Device
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.runtime.model import open_model, read_model
from fingerprint_sdk.stream import Embedded, as_iterable, positive, stream
from fingerprint_sdk.text import visible
from fingerprint_sdk.verification import Verification, verify_sides

if TYPE_CHECKING:
    from fingerprint_sdk.images import ImageInput

    Images: TypeAlias = ImageInput | Iterable[ImageInput]

__all__ = ["EmbeddingResult", "Extractor", "Failure", "load"]

logger = logging.getLogger(__name__)

_NO_IMAGES = "no images were given: a comparison needs at least one a side"
_MAX_WINDOWS = 16
_BATCH = {"cpu": 2, "cuda": 16}  # images a call; on a CPU, more only costs memory


class KnownModels(Protocol):
    """What ``Extractor.identify`` needs of a ``Gallery``."""

    def check_model(self, extractor: Extractor) -> None:
        """Raise GalleryError unless the embeddings are by this extractor."""

    def search(
        self,
        embeddings: npt.NDArray[np.floating],
        calibration: Calibration,
        *,
        quality: tuple[Quality, ...],
        fpir: float | None,
        fnir: float | None,
        prior: float,
        top: int,
    ) -> Identification:
        """See ``Gallery.search``."""


class Extractor:
    """A fingerprint extractor, open on a device. Safe to use from several threads and processes.

    A forked process opens the model anew at its first use; pickled, an extractor takes the
    content of its model file along, and is opened where it arrives. On a GPU the former is a
    DeviceError. Get one from ``fingerprint_sdk.load`` or ``Extractor.from_file``.

    Attributes:
        name, version, license: of the model (the licence is that of its weights).
        device: "cpu" or "cuda", the one really in use.
        providers: ONNX Runtime's execution providers, in order.
        embedding_size: D, of an image.
        window_embedding_size: of a window: D - 1 of a model with a constant, else D.
        constant: of the model, see ``embedding.image_embedding``; 0 for none.
        window_size: side of a window, 128 pixels.
        windows: of an image at most, see ``load``.
        model_sha256: SHA-256 (hex) of the model file; what ties a gallery to its model.
        path: of the model file; None of a model that was given as bytes.
        metadata: what the model file says of itself, by key.
        calibration: thresholds and probabilities.
    """

    def __init__(
        self,
        model: bytes,
        name: str,
        *,
        device: Device = "auto",
        threads: int | None = None,
        windows: int | None = None,
    ) -> None:
        self.path: Path | None = None
        self.windows = positive("windows", windows, WINDOW_BUDGET)
        self._model = open_model(model, name, device=device, threads=threads)
        self.metadata: Mapping[str, str] = self._model.metadata
        self.name: str = self.metadata["name"]
        self.version: str = self.metadata["version"]
        self.license: str = self.metadata["license"]
        self.device = self._model.runner.device
        self.providers = self._model.runner.session.providers
        self.window_size = WINDOW_SIZE
        self.window_embedding_size = self._model.window_embedding_size
        self.embedding_size = self._model.embedding_size
        self.constant = self._model.constant
        self.model_sha256 = self._model.sha256
        self.calibration = self._model.calibration

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        device: Device = "auto",
        threads: int | None = None,
        windows: int | None = None,
    ) -> Extractor:
        """Open a ``model.onnx`` directly; see ``load`` for the arguments and errors."""
        name = repr(os.fspath(path))
        extractor = cls(read_model(path), name, device=device, threads=threads, windows=windows)
        extractor.path = Path(path).absolute()
        return extractor

    def __reduce__(self) -> tuple[Callable[..., Extractor], tuple[object, ...]]:
        opened = self._model.runner
        return _opened_again, (
            type(self),
            opened.model,
            opened.name,
            opened.asked,
            opened.threads,
            self.windows,
            self.path,
        )

    def __repr__(self) -> str:
        return visible(f"<Extractor {self.name} {self.version} on {self.device}>")

    @property
    def identity(self) -> ModelIdentity:
        """What ties embeddings to this model."""
        return ModelIdentity(self.name, self.version, self.model_sha256, self.embedding_size)

    def embed(
        self, images: Images, *, batch_size: int | None = None, workers: int | None = None
    ) -> Embeddings:
        """Fingerprint embeddings of one image or of many.

        The embedding of an image is the L2-normalised mean over the windows that count
        (``images.quality.counted``; paper, "Sliding Window"), and a constant behind it
        (``embedding.image_embedding``).

        Args:
            images: one image (see ``images.load_image``), or an iterable of them.
            batch_size: images whose windows share one call of the model; changes speed and
                memory, and the embeddings by float rounding only.
            workers: threads that decode while the model runs; None for one a core, 8 at most.

        Returns:
            float32, L2-normalised: shape (D,) for one image, (N, D) for an iterable.

        Raises:
            ImageError: an image cannot be used; ``embed_many`` goes on instead.
        """
        embeddings, _ = self.embed_with_quality(images, batch_size=batch_size, workers=workers)
        return cast(Embeddings, embeddings[0]) if is_single_image(images) else embeddings

    def embed_with_quality(
        self, images: Images, *, batch_size: int | None = None, workers: int | None = None
    ) -> tuple[Embeddings, tuple[Quality, ...]]:
        """Like ``embed``, but always (N, D), and with the quality of each image."""
        rows, quality = [], []
        for _, outcome in self._stream(images, batch_size, workers):
            if isinstance(outcome, ImageError):
                raise outcome
            rows.append(outcome[0])
            quality.append(outcome[1])
        return self._stack(rows), tuple(quality)

    def embed_many(
        self,
        images: Iterable[ImageInput],
        *,
        on_error: Literal["skip", "raise"] = "skip",
        batch_size: int | None = None,
        workers: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> EmbeddingResult:
        """Embed many images and report the unusable ones instead of stopping at the first.

        Args:
            images: an iterable, consumed little by little: a generator's images are never all
                in memory.
            on_error: "skip" lists an unusable image in ``failures``; "raise" stops at it.
            batch_size, workers: as in ``embed``.
            progress: called with the number of images done so far.

        Raises:
            ImageError: with ``on_error="raise"`` only.
        """
        rows, indices, quality, failures = [], [], [], []
        for index, outcome in self._stream(images, batch_size, workers):
            if not isinstance(outcome, ImageError):
                rows.append(outcome[0])
                indices.append(index)
                quality.append(outcome[1])
            elif on_error == "raise":
                raise outcome
            else:
                failures.append(Failure(index, outcome))
            if progress is not None:
                progress(index + 1)
        return EmbeddingResult(self._stack(rows), tuple(indices), tuple(quality), tuple(failures))

    def embed_windows(self, windows: npt.NDArray[np.uint8]) -> Embeddings:
        """Embeddings of ready-cut windows, without averaging.

        Args:
            windows: uint8, shape (N, 3, 128, 128), RGB.

        Returns:
            float32, shape (N, ``window_embedding_size``), L2-normalised.

        Raises:
            ImageError: the array is not that.
            ModelError: the model gives values that are not finite.
            DeviceError: inference fails on the GPU, for want of memory, say.
        """
        shape = (3, WINDOW_SIZE, WINDOW_SIZE)
        if not isinstance(windows, np.ndarray) or windows.dtype != np.uint8:
            raise ImageError("windows must be a uint8 array")
        if windows.ndim != 4 or windows.shape[1:] != shape:
            raise ImageError(f"windows must have shape (N, 3, 128, 128), not {windows.shape}")
        limit = _MAX_WINDOWS * _BATCH[self.device]
        parts = [self._model.run(windows[i : i + limit])[0] for i in range(0, len(windows), limit)]
        return np.concatenate(parts or [np.empty((0, self.window_embedding_size), np.float32)])

    def verify(
        self,
        a: Images | npt.NDArray[np.floating],
        b: Images | npt.NDArray[np.floating],
        *,
        fmr: float | None = None,
        fnmr: float | None = None,
        prior: float = 0.5,
    ) -> Verification:
        """Were two images, or two sets each by one generator, made by the same generator?

        Where one side is lossy throughout and the other is not at all, the latter is brought to
        the former's processing: a JPEG file's own tables, or WebP or AVIF at a usual quality.
        ``copy`` of the answer says so. A picture that stands on both sides has no vote where each
        side has another. Where both sides show the same, words over both, say, or one picture
        twice, or the same pattern runs through both, of resizing or of print, say, that is no
        evidence (``images.coincidence``). For that images are read again: those of a stream are
        kept as they come, open files decoded.

        Args:
            a, b: one image or an iterable of images; more images a side decide better. Or the
                embeddings of one or some, float, shape (D,) or (n, D).
            fmr: false match rate at which "same" is said; None for the model's default.
            fnmr: false non-match rate at which "different" is said; None for the default.
            prior: P(same generator) beforehand, for ``probability``.

        Raises:
            ImageError: an image cannot be used, or a side is empty.
            OperatingPointError: a rate lies outside the calibrated range, or ``prior`` is none.
        """
        fmr, fnmr = self.calibration.check(fmr, fnmr)
        if is_embeddings(a) or is_embeddings(b):
            rows_a, quality_a = self.embedded(a)
            rows_b, quality_b = self.embedded(b)
            return verify_sides(
                side_of(rows_a, quality_a, self.calibration),
                side_of(rows_b, quality_b, self.calibration),
                self.calibration,
                fmr=fmr,
                fnmr=fnmr,
                prior=prior,
                quality=quality_a + quality_b,
            )
        left, right = _kept(a), _kept(b)
        # In one go, so that one side is decoded while the model has the other.
        embeddings, quality = self.embed_with_quality([*left, *right])
        return self.verify_embedded(
            left, right, embeddings, quality, fmr=fmr, fnmr=fnmr, prior=prior
        )

    def verify_embedded(
        self,
        a: Sequence[ImageInput],
        b: Sequence[ImageInput],
        embeddings: Embeddings,
        quality: tuple[Quality, ...],
        *,
        fmr: float | None = None,
        fnmr: float | None = None,
        prior: float = 0.5,
    ) -> Verification:
        """``verify`` of images that were embedded already, among those of others, say.

        Args:
            a, b: the images. They are read once more where one side is to be brought to the
                other's processing, and before "same" is said.
            embeddings, quality: of them, see ``embed_with_quality``, side a first.
            fmr, fnmr, prior: see ``verify``.

        Raises:
            ImageError: a side is empty, or an image cannot be read again.
            OperatingPointError: a rate lies outside the calibrated range, or ``prior`` is none.
        """
        if not a or not b:
            raise ImageError(_NO_IMAGES)
        left, right = embeddings[: len(a)], embeddings[len(a) :]
        quality_a, quality_b = quality[: len(a)], quality[len(a) :]
        copy = None
        if all(q.lossy for q in quality_b) and not any(q.lossy for q in quality_a):
            left, copy = self._as_others(a, left, quality_b)
        elif all(q.lossy for q in quality_a) and not any(q.lossy for q in quality_b):
            right, copy = self._as_others(b, right, quality_a)
        own_a, own_b = without_common(quality_a, quality_b)
        sides = (
            side_of(left[own_a], [quality_a[place] for place in own_a], self.calibration),
            side_of(right[own_b], [quality_b[place] for place in own_b], self.calibration),
        )
        judged = partial(
            verify_sides,
            *sides,
            self.calibration,
            fmr=fmr,
            fnmr=fnmr,
            prior=prior,
            quality=quality,
            copy=copy,
        )
        answer = judged()
        if answer.same:
            voting_a = [a[own_a[place]] for place in sides[0].voting]
            voting_b = [b[own_b[place]] for place in sides[1].voting]
            if reasons := coincidences(voting_a, voting_b):
                return judged(reasons=reasons)
        return answer

    def _as_others(
        self, images: Sequence[ImageInput], embeddings: Embeddings, others: Sequence[Quality]
    ) -> tuple[Embeddings, str | None]:
        """Embeddings of images processed as others were, where that is known."""
        kinds = [kind for one in others if (kind := lossy_kind(one)) is not None]
        if not kinds:
            return embeddings, None
        alike, _ = self.embed_with_quality(like(kinds, images))
        return alike, kinds[0].name

    def embedded(
        self, images: Images | npt.NDArray[np.floating]
    ) -> tuple[Embeddings, tuple[Quality, ...]]:
        """Embeddings, (n, D), and quality of images; embeddings pass through, without quality.

        Raises:
            ImageError: an image cannot be used, or there is none.
            FingerprintError: embeddings are not L2-normalised rows of this model's size.
        """
        if is_embeddings(images):
            rows = embedding_rows(images, self.embedding_size)
            quality: tuple[Quality, ...] = ()
        else:
            rows, quality = self.embed_with_quality(images)
        if not len(rows):
            raise ImageError(_NO_IMAGES)
        return rows, quality

    def identify(
        self,
        images: Images | npt.NDArray[np.floating],
        gallery: KnownModels,
        *,
        fpir: float | None = None,
        fnir: float | None = None,
        prior: float = 0.5,
        top: int = 5,
    ) -> Identification:
        """Who made the image, or the set of images by one generator?

        Args:
            images: one image or an iterable of images; more images decide better. Or their
                embeddings, float, shape (D,) or (n, D).
            gallery: a ``Gallery`` of this model; ``fingerprint_sdk.known`` gives its built-in one.
            fpir: false positive identification rate at which an entry is named: of probes by
                generators outside the gallery; None for the model's default FMR.
            fnir: false negative identification rate at which "none" is said; None for the
                model's default FNMR.
            prior: P(the nearest entry made it) beforehand, for ``probability``.
            top: number of candidates wanted.

        Raises:
            ImageError: an image cannot be used, or none is given.
            GalleryError: the gallery is empty or belongs to another model.
            OperatingPointError: a rate lies outside the calibrated range, or ``prior`` is none.
        """
        gallery.check_model(self)
        embeddings, quality = self.embedded(images)
        return gallery.search(
            embeddings,
            self.calibration,
            quality=quality,
            fpir=fpir,
            fnir=fnir,
            prior=prior,
            top=top,
        )

    def _stack(self, rows: Sequence[Embeddings]) -> Embeddings:
        return np.stack(rows) if rows else np.empty((0, self.embedding_size), np.float32)

    def _stream(
        self, images: Images, batch_size: int | None, workers: int | None
    ) -> Iterator[tuple[int, Embedded]]:
        size = positive("batch_size", batch_size, _BATCH[self.device])
        threads = positive("workers", workers, min(8, cores()))
        return stream(
            as_iterable(images),
            self._model.run,
            size,
            threads,
            constant=self.constant,
            budget=self.windows,
        )


def _kept(images: Images) -> list[ImageInput]:
    """Images that may be read more than once."""
    return [load_image(one) if hasattr(one, "read") else one for one in as_iterable(images)]


def _opened_again(
    kind: type[Extractor],
    model: bytes,
    name: str,
    device: Device,
    threads: int | None,
    windows: int,
    path: Path | None,
) -> Extractor:
    """An extractor in another process, from what its original was opened from."""
    extractor = kind(model, name, device=device, threads=threads, windows=windows)
    extractor.path = path
    return extractor


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    device: Device = "auto",
    revision: str | None = None,
    offline: bool | None = None,
    threads: int | None = None,
    windows: int | None = None,
) -> Extractor:
    """Open a fingerprint extractor.

    Args:
        model: None for the bundled default, or what ``zoo.resolve`` takes: a bundled name, a
            folder, an ``.onnx`` file, or ``"owner/name"`` on the Hugging Face Hub.
        device: "cpu", "cuda" (never falls back), or "auto" (CUDA if it works, else the CPU).
        revision: Hub only; a full commit hash pins the model.
        offline: True never touches the network.
        threads: CPU threads that share an image's windows; None for one on each core that this
            process may use, by its affinity and the quota of its container.
        windows: of an image at most, at least 1; None for 64. They cover an image of up to
            1024x1024 pixels; of a larger one they are spread evenly. Fewer take less time and see
            less; ``Quality.windows`` says how many counted.

    Raises:
        ArgumentError: ``windows`` is less than 1.
        ModelNotFoundError, IntegrityError, ModelError: see ``zoo.resolve``.
        DeviceError: the device cannot be used, or ONNX Runtime is not installed.
    """
    from fingerprint_sdk.zoo import resolve

    resolved = resolve(model, revision=revision, offline=offline)
    extractor = Extractor.from_file(resolved.path, device=device, threads=threads, windows=windows)
    logger.info("loaded %s %s from %s", extractor.name, extractor.version, resolved.path)
    return extractor
