"""One side of a comparison: an image, or a set of images by one generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embedding import Embedding, cosine, mean_embedding
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import most, treatment


@dataclass(frozen=True, eq=False)
class Side:
    """What is compared of a set of images.

    Attributes:
        embedding: float32, shape (D,), the L2-normalised mean of the images'.
        explained: mean over the images of what processing explains, at least 0.
        treatment: the most that happened to any of the images, one of ``TREATMENTS``.
        windows: of the image that has the fewest; None if unknown.
        images: how many different pictures have a vote.
        voting: their places in what was given, rising.
        reasons: why nothing can be said of this side; empty if something can.
    """

    embedding: Embedding
    explained: float
    treatment: str
    windows: int | None
    images: int
    voting: tuple[int, ...]
    reasons: tuple[str, ...] = ()


def side_of(
    embeddings: npt.NDArray[np.floating],
    quality: Sequence[Quality],
    calibration: Calibration,
    *,
    explained: Sequence[Explained] | None = None,
) -> Side:
    """The side that images make.

    A picture given twice counts once. An image without a fingerprint, or one that is like nothing
    the model was calibrated for, has no vote where another image has.

    Args:
        embeddings: image embeddings, shape (n, D), L2-normalised, n >= 1.
        quality: of each image; empty if unknown.
        calibration: of the model that made the embeddings.
        explained: of each image, if it is known already.
    """
    kept = _different(embeddings, quality)
    reasons = [_unfit(quality[place]) for place in kept] if quality else [None] * len(kept)
    fit = [place for place, reason in zip(kept, reasons, strict=True) if reason is None]
    voting = fit or kept
    rows = np.asarray(embeddings, np.float32)[voting]
    known = [quality[place] for place in voting] if quality else []
    told = (
        calibration.cohort.explain(rows)
        if explained is None
        else [explained[place] for place in voting]
    )
    treatments = [
        treatment(known[i] if known else None, one.treatment) for i, one in enumerate(told)
    ]
    return Side(
        embedding=mean_embedding(rows),
        explained=float(np.mean([one.amount for one in told])),
        treatment=most(treatments),
        windows=min(one.windows for one in known) if known else None,
        images=len(voting),
        voting=tuple(voting),
        reasons=() if fit else tuple(sorted({reason for reason in reasons if reason})),
    )


def compare(a: Side, b: Side, calibration: Calibration) -> tuple[float, Condition]:
    """The score of two sides, and the condition it is judged by.

    The score is the cosine of the embeddings less what processing explains of each side.
    """
    counted = [side.windows for side in (a, b) if side.windows is not None]
    condition = calibration.condition(
        a.images,
        b.images,
        treatment=most([a.treatment, b.treatment]),
        windows=min(counted) if counted else None,
    )
    return cosine(a.embedding, b.embedding) - a.explained - b.explained, condition


def _different(embeddings: npt.NDArray[np.floating], quality: Sequence[Quality]) -> list[int]:
    """The places of pictures that did not come before."""
    marks: Sequence[object] = [one.digest for one in quality]
    if not all(marks) or len(marks) != len(embeddings):
        marks = [np.asarray(row, np.float32).tobytes() for row in embeddings]
    return sorted({mark: place for place, mark in reversed(list(enumerate(marks)))}.values())


def _unfit(quality: Quality) -> str | None:
    if quality.flat:
        return "flat"
    if quality.untypical:
        return "untypical"
    return None
