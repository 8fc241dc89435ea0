"""The whole protocol: identification, verification and set verification over one image set.

Image sets of different formats must never be mixed in one score: an extractor could read the
format instead of the fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fingerprint_sdk import Calibration, __version__
from fingerprint_sdk.images.quality import Quality
from trainer.evaluation.identification import (
    GALLERY_IMAGES,
    score_identification,
)
from trainer.evaluation.image_set import read_image_set
from trainer.evaluation.scores import ModelRecord, Scores
from trainer.evaluation.verification import (
    SET_IMAGES,
    score_verification,
)
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from fingerprint_sdk import Extractor

_PACKAGES = ("numpy", "scikit-learn", "onnxruntime", "onnxruntime-gpu", "pillow")


def score(
    embeddings: Mapping[str, np.ndarray],
    decoders: Mapping[str, str] | None = None,
    calibration: Calibration | None = None,
    quality: Mapping[str, Sequence[Quality]] | None = None,
    *,
    galleries: int = 20,
    pairs: int = 5000,
    resamples: int = 200,
    seed: int = 0,
) -> Scores:
    """Score embeddings; a pure function, and independent of the order of the models.

    Args:
        embeddings: for each model, its images' embeddings, float (n, D), L2-normalised, n >= 11.
        decoders: decoder of each model; a model that is not in it has a decoder of its own.
        calibration: of the model that made the embeddings: pairs are then compared and judged as
            the SDK does, at its default rates. None for plain cosines, and no verdicts.
        quality: of each model's images, by which the SDK chooses the condition of a pair; None
            if unknown.
        galleries, pairs, resamples: random galleries, genuine (and impostor) pairs, bootstrap
            resamples of the AUC (0 for no interval); fewer are faster.
        seed: of the first gallery, and of the pairs.

    Raises:
        ValueError: fewer than two models, fewer than 11 images of one, or embeddings that are
            not what they should be; the message names the model.
    """
    if galleries < 1 or pairs < 1 or resamples < 0:
        raise ValueError("galleries and pairs must be at least 1, resamples at least 0")
    rows = {model: np.asarray(embeddings[model]) for model in sorted(embeddings)}
    _check(rows)
    decoder_of = {model: (decoders or {}).get(model, model) for model in rows}
    known = None if quality is None else {model: tuple(quality[model]) for model in rows}
    _check_quality(rows, known)
    verification, set_verification = (
        score_verification(
            rows,
            decoder_of,
            images=images,
            pairs=pairs,
            seed=seed,
            resamples=resamples,
            calibration=calibration,
            quality=known,
        )
        for images in (1, SET_IMAGES)
    )
    return Scores(
        score_identification(rows, decoder_of, galleries=galleries, seed=seed),
        verification,
        set_verification,
        {model: len(values) for model, values in rows.items()},
        None if known is None else _lossy(known),
        decoder_of,
        seed,
    )


def evaluate(
    model: Extractor,
    folder: Path,
    decoders: Path | Mapping[str, str] | None = None,
    *,
    galleries: int = 20,
    pairs: int = 5000,
    seed: int = 0,
    progress: Progress = silent,
) -> Scores:
    """Embed an image set with the SDK, as a user would, and score it.

    Args:
        model: the extractor to score.
        folder, decoders: see ``image_set.read_image_set``.
        galleries, pairs, seed: see ``score``.
        progress: told of the images done, and of all, under the folder's name.

    Raises:
        FileNotFoundError, ValueError: see ``image_set.read_image_set`` and ``score``.
        ImageError: an image cannot be used; leaving it out would change the score silently.
    """
    image_set = read_image_set(folder, decoders)
    _check_counts({name: len(paths) for name, paths in image_set.images.items()})
    total = sum(map(len, image_set.images.values()))
    result = model.embed_many(
        (path for paths in image_set.images.values() for path in paths),
        on_error="raise",
        progress=lambda done: progress(folder.name, done, total),
    )
    ends = np.cumsum([len(paths) for paths in image_set.images.values()])
    quality = [result.quality[start:end] for start, end in zip((0, *ends), ends, strict=False)]
    scores = score(
        dict(zip(image_set.images, np.split(result.embeddings, ends[:-1]), strict=True)),
        image_set.decoders,
        model.calibration,
        dict(zip(image_set.images, quality, strict=True)),
        galleries=galleries,
        pairs=pairs,
        seed=seed,
    )
    versions = {"fingerprint-sdk": __version__} | {name: _version(name) for name in _PACKAGES}
    record = ModelRecord(model.name, model.version, model.model_sha256, model.device, versions)
    return replace(scores, model=record)


def _check(rows: Mapping[str, np.ndarray]) -> None:
    for model, values in rows.items():
        if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
            raise ValueError(
                f"the embeddings of {model!r} must be floats of shape (n, D), not "
                f"{values.dtype} {values.shape}"
            )
        norms = np.linalg.norm(values, axis=1)
        # The SDK gives an all-zero embedding when the windows cancel out; it scores 0.
        if not np.all((np.abs(norms - 1) < 1e-3) | (norms == 0)):
            raise ValueError(f"the embeddings of {model!r} are not L2-normalised")
    sizes = {model: values.shape[1] for model, values in rows.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the embeddings differ in size: {sizes}")
    _check_counts({model: len(values) for model, values in rows.items()})


def _check_counts(counts: Mapping[str, int]) -> None:
    if len(counts) < 2:
        raise ValueError(f"the protocol compares models, but there is only {list(counts)}")
    for model, count in counts.items():
        if count <= GALLERY_IMAGES:
            raise ValueError(
                f"{model!r} has {count} images: the protocol needs at least "
                f"{GALLERY_IMAGES + 1}, {GALLERY_IMAGES} for the gallery and one probe"
            )


def _check_quality(
    rows: Mapping[str, np.ndarray], quality: Mapping[str, Sequence[Quality]] | None
) -> None:
    for model, values in rows.items():
        if quality is not None and len(quality[model]) != len(values):
            raise ValueError(f"quality must have one entry for each image of {model!r}")


def _lossy(quality: Mapping[str, Sequence[Quality]]) -> float:
    return float(np.mean([bool(one.lossy) for each in quality.values() for one in each]))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # one of the two packages of ONNX Runtime
        return "not installed"
