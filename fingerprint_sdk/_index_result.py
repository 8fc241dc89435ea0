"""What a search of an index finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fingerprint_sdk.quality import Quality


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

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **asdict(self),
            "matches": [asdict(match) for match in self.matches],
            "quality": [quality.as_dict() for quality in self.quality],
        }
