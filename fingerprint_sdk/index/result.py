"""What a search of an index finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.side import Side, compare, side_of
from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, judge, probability
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import most
from fingerprint_sdk.index.rows import MARKS, Rows
from fingerprint_sdk.results import as_json


@dataclass(frozen=True)
class Match:
    """An image of the index that is like the probe.

    Attributes:
        name: of the image.
        score: cosine with the probe less what processing explains of both, at most 1.
        same: ``score >= threshold``, and something can be said of the probe.
        threshold: the calibrated one at the search's FMR for this comparison, but never where the
            evidence does not support that answer.
        likelihood_ratio: how many times more probable the score is if one generator made both
            than if two did, this image by itself; 1 where nothing can be said.
        probability: P(same generator | score) at an even prior.
    """

    name: str
    score: float
    same: bool
    threshold: float
    likelihood_ratio: float
    probability: float


@dataclass(frozen=True)
class SearchResult:
    """Outcome of a search.

    Attributes:
        matches: the nearest images, by falling score.
        fmr: false match rate of *one* comparison.
        compared: images in the index. About ``fmr * compared`` of them pass the threshold by
            chance, so in a large index ask for a small rate.
        quality: of every probe image, as far as known; a flat one has no fingerprint to search
            for.
    """

    matches: tuple[Match, ...]
    fmr: float
    compared: int
    quality: tuple[Quality, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; see docs/json.md."""
        return {
            **asdict(self),
            "matches": [asdict(match) for match in self.matches],
            "quality": [quality.to_dict() for quality in self.quality],
        }

    def to_json(self) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict())


def judged(
    rows: Rows,
    places: npt.NDArray[np.intp],
    probe: Side,
    calibration: Calibration,
    fmr: float,
) -> tuple[Match, ...]:
    """The images found, each with the threshold of its kind of comparison, by falling score.

    Args:
        rows: content of the index.
        places: shape (n,), of the images found.
        probe: what was searched for.
        calibration: of the index's model.
        fmr: false match rate of one comparison.
    """
    matches = []
    for place in places:
        found = side_of(rows.embeddings(np.array([place])), (), calibration)
        # Where it is not known what happened to an image, the strictest of what may have counts.
        may = [
            compare(probe, replace(found, treatment=most([found.treatment, told])), calibration)
            for told in MARKS[rows.marks[place]]
        ]
        score = may[0][0]
        threshold = max(one.limits(fmr, calibration.default_fnmr)[1] for _, one in may)
        ratio = min(condition.likelihood_ratio(score) for _, condition in may)
        ratio = NO_EVIDENCE if probe.reasons else ratio
        matches.append(
            Match(
                name=rows.names[place],
                score=score,
                same=judge(score, ratio, threshold, threshold) == "same",
                threshold=threshold,
                likelihood_ratio=ratio,
                probability=probability(ratio, 0.5),
            )
        )
    return tuple(sorted(matches, key=lambda match: -match.score))
