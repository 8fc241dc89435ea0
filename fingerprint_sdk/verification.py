"""Decisions: do two sides share a model (verification), and whose image is it (identification)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embedding import cosine, image_embedding, mean_embedding
from fingerprint_sdk.images.quality import Quality

__all__ = [
    "Candidate",
    "Identification",
    "Verification",
    "cosine",
    "image_embedding",
    "is_uncertain",
    "mean_embedding",
    "verify_embeddings",
]


@dataclass(frozen=True)
class Verification:
    """Outcome of comparing two sides, each one image or a set by one model.

    Equations: docs/method.md#decisions.

    Attributes:
        score: cosine similarity of the two embeddings, -1 to 1.
        same: ``score >= threshold``.
        threshold: the calibrated threshold at ``fmr`` for this kind of comparison.
        fmr: false match rate: how often two different models would pass the threshold.
        probability: P(same model | score) when both answers are equally likely beforehand.
        uncertain: do not rely on ``same``: the score lies between the thresholds of twice and
            half the FMR, or an image is flat and has no fingerprint to compare.
        images: number of images on each side.
        quality: of every image, side a first.
        copy: "jpeg" where the side without lossy compression was compared as JPEG (see
            ``Extractor.verify``), else None.
    """

    score: float
    same: bool
    threshold: float
    fmr: float
    probability: float
    uncertain: bool
    images: tuple[int, int]
    quality: tuple[Quality, ...]
    copy: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **asdict(self),
            "images": list(self.images),
            "quality": [quality.as_dict() for quality in self.quality],
        }


@dataclass(frozen=True)
class Candidate:
    """One gallery entry as a possible source.

    Attributes:
        name: of the entry.
        score: cosine similarity of probe and entry, -1 to 1.
        margin: score minus the best score of any other entry, so positive for a clear first
            place only; None when the gallery has one entry.
        probability: P(this entry's model | score) at an even prior, each entry by itself.
        threshold: at the asked FMR, for as many images as this entry holds. Where the entry also
            has copies, each fingerprint is held to its share of that FMR.
        copy: the kind of copies ("jpeg" or "shrunk", see ``Gallery.enroll``) that the probe is
            nearest to; None for the images as enrolled.
    """

    name: str
    score: float
    margin: float | None
    probability: float
    threshold: float
    copy: str | None = None


@dataclass(frozen=True)
class Identification:
    """Outcome of looking for the source of a probe in a gallery.

    Attributes:
        best: name of the first candidate, or None when it is not ``known``.
        known: the first candidate reaches its threshold; False means "not in this gallery".
        threshold: the first candidate's.
        fmr: false match rate of *one* comparison. A probe from a model outside the gallery is
            compared with each of its n entries, so it is wrongly known at a rate of up to
            n times that.
        uncertain: do not rely on ``known``, for the reasons given at ``Verification.uncertain``.
        candidates: the best entries, by falling score.
        quality: of every probe image.
    """

    best: str | None
    known: bool
    threshold: float
    fmr: float
    uncertain: bool
    candidates: tuple[Candidate, ...]
    quality: tuple[Quality, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **asdict(self),
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "quality": [quality.as_dict() for quality in self.quality],
        }


def verify_embeddings(
    a: npt.NDArray[np.floating],
    b: npt.NDArray[np.floating],
    calibration: Calibration,
    *,
    fmr: float | None = None,
    quality: tuple[Quality, ...] = (),
    copy: str | None = None,
) -> Verification:
    """Compare two sets of image embeddings, shapes (n, D) and (m, D).

    ``quality`` and ``copy`` are those of the answer.

    Raises:
        OperatingPointError: ``fmr`` lies outside the calibrated range.
    """
    fmr = calibration.default_fmr if fmr is None else fmr
    recompressed = any(q.lossy for q in quality)
    condition = calibration.condition(len(a), len(b), recompressed=recompressed)
    threshold = condition.threshold(fmr)
    score = cosine(mean_embedding(a), mean_embedding(b))
    return Verification(
        score=score,
        same=score >= threshold,
        threshold=threshold,
        fmr=fmr,
        probability=condition.probability(score),
        uncertain=is_uncertain(score, condition, fmr, quality),
        images=(len(a), len(b)),
        quality=quality,
        copy=copy,
    )


def is_uncertain(
    score: float, condition: Condition, fmr: float, quality: tuple[Quality, ...]
) -> bool:
    """Whether a decision should not be relied on; see ``Verification.uncertain``."""
    low, high = condition.uncertain_band(fmr)
    return low <= score < high or any(q.flat for q in quality)
