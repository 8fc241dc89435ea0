"""Verification: do two sides share a generator?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embedding import cosine, image_embedding, mean_embedding
from fingerprint_sdk.evidence.side import Side, compare, side_of
from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, Verdict, judge, words
from fingerprint_sdk.evidence.verdict import probability as probability_of
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.results import as_json

__all__ = [
    "Verification",
    "cosine",
    "image_embedding",
    "mean_embedding",
    "verify_embeddings",
    "verify_sides",
]


@dataclass(frozen=True)
class Verification:
    """Outcome of comparing two sides, each one image or a set by one generator.

    Verdict, probability and words all follow from the likelihood ratio and the two scores that
    bound it. Equations: docs/method.md#decisions.

    Attributes:
        verdict: "same", "different" or "inconclusive".
        likelihood_ratio: how many times more probable the findings are if both sides share a
            generator than if they do not; 1 where nothing can be said.
        probability: P(same generator | findings) where it was ``prior`` beforehand.
        prior: between 0 and 1.
        words: the likelihood ratio as a sentence.
        score: cosine of the two embeddings less what processing explains, at most 1.
        threshold: score from which the verdict is "same": no more than a share ``fmr`` of
            comparisons of different generators reaches it.
        missed: score below which it is "different": no more than a share ``fnmr`` of comparisons
            of one generator stays below it. At most ``threshold``.
        fmr, fnmr: false match and false non-match rate, the nominal ones.
        condition: what the rates are calibrated for, e.g. "as is".
        reasons: why nothing can be said: "flat" (no fingerprint), "tiny" (hardly any of its own),
            "untypical" (like nothing that was calibrated), "contents" (both sides show the same),
            "pattern" (one that hardly any generator leaves runs through both); empty else.
        images_needed: where the verdict is "inconclusive": with so many images on each side it is
            "same", if the score rises as those of true pairs do; None if that takes more than
            were calibrated.
        images: number of different pictures on each side that had a vote.
        quality: of every image given, side a first.
        copy: how the side without lossy compression was compared (see ``Extractor.verify``), else
            None.
    """

    verdict: Verdict
    likelihood_ratio: float
    probability: float
    prior: float
    words: str
    score: float
    threshold: float
    missed: float
    fmr: float
    fnmr: float
    condition: str
    reasons: tuple[str, ...]
    images_needed: int | None
    images: tuple[int, int]
    quality: tuple[Quality, ...]
    copy: str | None = None

    @property
    def same(self) -> bool:
        """Whether the verdict is "same"."""
        return self.verdict == "same"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; see docs/json.md."""
        return {
            **asdict(self),
            "reasons": list(self.reasons),
            "images": list(self.images),
            "quality": [quality.to_dict() for quality in self.quality],
        }

    def to_json(self) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict())


def verify_embeddings(
    a: npt.NDArray[np.floating],
    b: npt.NDArray[np.floating],
    calibration: Calibration,
    *,
    fmr: float | None = None,
    fnmr: float | None = None,
    prior: float = 0.5,
    quality: tuple[Quality, ...] = (),
    copy: str | None = None,
    reasons: tuple[str, ...] = (),
) -> Verification:
    """Compare two sets of image embeddings.

    Args:
        a, b: L2-normalised rows, shapes (n, D) and (m, D), n, m >= 1.
        calibration: of the model that made them.
        fmr, fnmr: rates to decide at; None for the model's defaults.
        prior: P(same generator) before the comparison, between 0 and 1.
        quality: of all n + m images, a first; empty if unknown.
        copy: of the answer.
        reasons: why nothing can be said, beside what the qualities tell.

    Raises:
        OperatingPointError: a rate lies outside the calibrated range, or the prior is no
            probability.
    """
    return verify_sides(
        side_of(a, quality[: len(a)], calibration),
        side_of(b, quality[len(a) :], calibration),
        calibration,
        fmr=fmr,
        fnmr=fnmr,
        prior=prior,
        quality=quality,
        copy=copy,
        reasons=reasons,
    )


def verify_sides(
    a: Side,
    b: Side,
    calibration: Calibration,
    *,
    fmr: float | None = None,
    fnmr: float | None = None,
    prior: float = 0.5,
    quality: tuple[Quality, ...] = (),
    copy: str | None = None,
    reasons: tuple[str, ...] = (),
) -> Verification:
    """``verify_embeddings`` of two sides of which it is known already what they are."""
    fmr, fnmr = calibration.check(fmr, fnmr)
    sides = (a, b)
    score, condition = compare(a, b, calibration)
    reasons = tuple(sorted({*reasons, *(reason for side in sides for reason in side.reasons)}))
    ratio = NO_EVIDENCE if reasons else condition.likelihood_ratio(score)
    missed, threshold = condition.limits(fmr, fnmr)
    verdict = judge(score, ratio, threshold, missed)
    return Verification(
        verdict=verdict,
        likelihood_ratio=ratio,
        probability=probability_of(ratio, prior),
        prior=prior,
        words=words(ratio),
        score=score,
        threshold=threshold,
        missed=missed,
        fmr=fmr,
        fnmr=fnmr,
        condition=condition.treatment,
        reasons=reasons,
        images_needed=(
            _images_needed(score, condition, calibration, fmr, fnmr)
            if verdict == "inconclusive" and not reasons
            else None
        ),
        images=(sides[0].images, sides[1].images),
        quality=quality,
        copy=copy,
    )


def _images_needed(
    score: float, condition: Condition, calibration: Calibration, fmr: float, fnmr: float
) -> int | None:
    usual = _usual(condition)
    for images in calibration.images:
        if images <= condition.images_a:
            continue
        more = calibration.condition(
            images, images, treatment=condition.treatment, windows=condition.windows
        )
        if score + _usual(more) - usual >= more.limits(fmr, fnmr)[1]:
            return images
    return None


def _usual(condition: Condition) -> float:
    """What a true pair scores, by the largest share of misses that is tabulated."""
    return condition.misses[-1][1]
