"""What a search of an index finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.index.rows import Rows


@dataclass(frozen=True)
class Match:
    """An image of the index that is like the probe.

    Attributes:
        name: of the image.
        score: cosine similarity with the probe, -1 to 1.
        same: ``score >= threshold``.
        threshold: the calibrated threshold at the search's FMR for this comparison.
        probability: P(same generator | score) at an even prior, this image by itself.
    """

    name: str
    score: float
    same: bool
    threshold: float
    probability: float


@dataclass(frozen=True)
class SearchResult:
    """Outcome of a search.

    Attributes:
        matches: the nearest images, by falling score.
        fmr: false match rate of *one* comparison.
        compared: images in the index. About ``fmr * compared`` of them pass the threshold by
            chance, so in a large index ask for a small rate.
        quality: of every probe image; a flat one has no fingerprint to search for.
    """

    matches: tuple[Match, ...]
    fmr: float
    compared: int
    quality: tuple[Quality, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **asdict(self),
            "matches": [asdict(match) for match in self.matches],
            "quality": [quality.to_dict() for quality in self.quality],
        }


def judged(
    rows: Rows,
    places: npt.NDArray[np.intp],
    scores: npt.NDArray[np.float32],
    calibration: Calibration,
    fmr: float,
    quality: tuple[Quality, ...],
) -> tuple[Match, ...]:
    """The images found, each with the threshold of its kind of comparison.

    Args:
        rows: content of the index.
        places, scores: both of shape (n,), of the images found.
        calibration: of the index's model.
        fmr: false match rate of one comparison.
        quality: of the probe images.
    """
    lossy = any(q.lossy for q in quality)
    matches = []
    for place, found in zip(places, scores, strict=True):
        condition = calibration.condition(
            len(quality), 1, recompressed=lossy or bool(rows.lossy[place])
        )
        score, threshold = float(found), condition.threshold(fmr)
        matches.append(
            Match(
                name=rows.names[place],
                score=score,
                same=score >= threshold,
                threshold=threshold,
                probability=condition.probability(score),
            )
        )
    return tuple(matches)
