"""From images, or their embeddings, to groups; see the package for the methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from fingerprint_sdk._default import default_extractor
from fingerprint_sdk.clustering.linkage import labels_of
from fingerprint_sdk.clustering.memory import within_memory
from fingerprint_sdk.clustering.result import ALONE, Clustering, Method
from fingerprint_sdk.embedding import cosine, mean_embedding
from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.evidence.side import excess_of_pair
from fingerprint_sdk.evidence.verdict import probability
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.extras import need
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import TREATMENTS, most, treatment

if TYPE_CHECKING:
    from fingerprint_sdk.calibration import Calibration
    from fingerprint_sdk.images import ImageInput


def cluster(
    images: Iterable[ImageInput],
    *,
    model: Extractor | None = None,
    method: Method = "agglomerative",
    fmr: float | None = None,
    min_images: int = 2,
    on_error: Literal["skip", "raise"] = "skip",
    progress: Callable[[int], None] | None = None,
) -> Clustering:
    """Group images by generator, with no gallery and no labels.

    Args:
        images: the heap.
        model: the extractor; None for the default model.
        method: see ``fingerprint_sdk.clustering``.
        fmr: false match rate of one comparison, at whose threshold "agglomerative" cuts; None
            for the model's default.
        min_images: smaller groups are no groups, at least 2.
        on_error: "skip" lists an unusable image in ``failures``; "raise" stops at it.
        progress: called with the number of images embedded so far.

    Raises:
        FingerprintError: scikit-learn is not installed (extra ``cluster``), or an argument is
            invalid, or the images are too many for "agglomerative". Of a list or tuple this is
            said at once.
        ImageError: with ``on_error="raise"``, an image cannot be used.
        OperatingPointError: ``fmr`` lies outside the calibrated range.
    """
    extractor = default_extractor() if model is None else model
    check_arguments(extractor.calibration, method, fmr, min_images)
    if method == "agglomerative":
        images = within_memory(images)
    result = extractor.embed_many(images, on_error=on_error, progress=progress)
    done = cluster_embeddings(
        result.embeddings,
        extractor.calibration,
        quality=result.quality,
        method=method,
        fmr=fmr,
        min_images=min_images,
    )
    if not result.failures:
        return done
    total = len(result.indices) + len(result.failures)
    labels, strength = [ALONE] * total, [0.0] * total
    quality: list[Quality | None] = [None] * total
    for row, place in enumerate(result.indices):
        labels[place], strength[place] = done.labels[row], done.strength[row]
        quality[place] = done.quality[row]
    return Clustering(
        labels=tuple(labels),
        strength=tuple(strength),
        groups=tuple(tuple(result.indices[row] for row in group) for group in done.groups),
        method=method,
        threshold=done.threshold,
        fmr=done.fmr,
        quality=tuple(quality),
        failures=result.failures,
    )


def cluster_embeddings(
    embeddings: npt.NDArray[np.floating],
    calibration: Calibration,
    *,
    quality: tuple[Quality, ...] = (),
    method: Method = "agglomerative",
    fmr: float | None = None,
    min_images: int = 2,
) -> Clustering:
    """Like ``cluster``, for image embeddings at hand, shape (n, D), L2-normalised.

    One cut must serve all pairs, so one image that something happened to, or of which few windows
    count, makes it the threshold of such images, where that is the higher one.
    """
    check_arguments(calibration, method, fmr, min_images)
    fmr, _ = calibration.check(fmr)
    explained = calibration.cohort.explain(embeddings) if len(embeddings) else ()
    amounts = np.array([one.amount for one in explained])
    treatments = [
        treatment(quality[place] if quality else None, one.treatment)
        for place, one in enumerate(explained)
    ]
    windows = [one.windows for one in quality] if quality else [None] * len(treatments)
    conditions = [
        calibration.condition(1, 1, treatment=name, windows=seen)
        for name, seen in {(TREATMENTS[0], None), *zip(treatments, windows, strict=True)}
    ]
    threshold = max(condition.threshold(fmr) for condition in conditions)
    count = len(embeddings)
    # Flat and tiny images would all look alike: they have no fingerprint that could differ. Nor
    # has one whose windows cancel out.
    usable = [
        i for i in range(count) if embeddings[i].any() and not (quality and quality[i].unfit)
    ]
    raw = labels_of(
        np.asarray(embeddings[usable], np.float64), amounts[usable], method, threshold, min_images
    )
    found: dict[int, list[int]] = {}
    for place, label in zip(usable, raw, strict=True):
        if label != ALONE:
            found.setdefault(int(label), []).append(place)
    kept = [tuple(group) for group in found.values() if len(group) >= min_images]
    groups = tuple(sorted(kept, key=lambda group: (-len(group), group)))
    labels, strength = [ALONE] * count, [0.0] * count
    for number, group in enumerate(groups):
        condition = calibration.condition(
            1,
            len(group) - 1,
            treatment=most([treatments[place] for place in group]),
            windows=min(quality[place].windows for place in group) if quality else None,
        )
        total = embeddings[list(group)].sum(axis=0, dtype=np.float64)
        rests = [mean_embedding((total - embeddings[place])[None]) for place in group]
        others = calibration.cohort.explain(np.stack(rests), len(group) - 1)
        for place, rest, other in zip(group, rests, others, strict=True):
            labels[place] = number
            score = cosine(embeddings[place], rest) - amounts[place] - other.amount
            excess = excess_of_pair(explained[place].excess, other.excess, 1)
            allowing = replace(condition, excess=excess)
            strength[place] = probability(allowing.likelihood_ratio(float(score)), 0.5)
    return Clustering(
        labels=tuple(labels),
        strength=tuple(strength),
        groups=groups,
        method=method,
        threshold=threshold if method == "agglomerative" else None,
        fmr=fmr if method == "agglomerative" else None,
        quality=quality or (None,) * count,
    )


def check_arguments(
    calibration: Calibration, method: str, fmr: float | None, min_images: int
) -> None:
    """Raise the errors of ``cluster`` that do not depend on the images."""
    if method not in ("agglomerative", "hdbscan"):
        raise FingerprintError(f"method {method!r} is unknown: use 'agglomerative' or 'hdbscan'")
    if min_images < 2:
        raise FingerprintError(f"min_images must be at least 2, not {min_images}")
    if fmr is not None:
        if method == "hdbscan":
            raise FingerprintError("fmr has no meaning for 'hdbscan': use 'agglomerative'")
        calibration.check(fmr)
    need("sklearn.cluster", "cluster", "grouping images")
