"""Identification: which of the generators in a gallery made the images, if any?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.results import as_json

Named = Literal["named", "none", "inconclusive"]


@dataclass(frozen=True)
class Candidate:
    """One gallery entry as a possible source; of each family the nearest of its entries.

    Attributes:
        name: of the entry, or of its family where it is of one.
        entry: name of the entry.
        members: generators of the family: which of them it is, nobody says.
        score: cosine of probe and entry less what processing explains beyond what is usual, at
            most 1.
        margin: score minus the best score of any other family, so positive for a clear first
            place only; None when the gallery has no other.
        likelihood_ratio: how many times more probable the score is if this entry's generator made
            the probe than if a stranger did; this entry by itself, less how near another one is.
        probability: P(this entry's generator | score) at the answer's prior, by itself.
        copy: the kind of copies (``images.processing``) that the probe was compared with; None
            for the images as enrolled.
    """

    name: str
    entry: str
    members: tuple[str, ...]
    score: float
    margin: float | None
    likelihood_ratio: float
    probability: float
    copy: str | None = None


@dataclass(frozen=True)
class Identification:
    """Outcome of looking for the source of a probe in a gallery.

    Rates are those of the whole gallery at its size (ISO/IEC 19795-1), not of one comparison.
    Equations: docs/method.md#identification.

    Attributes:
        verdict: "named", "none" (of these) or "inconclusive".
        best: name of the source where the verdict is "named", else None.
        nearest: name of the first candidate, whatever the verdict.
        likelihood_ratio, probability, words: of the nearest; see ``Verification``. 1, the prior
            and so on where nothing can be said.
        prior: P(the nearest made the probe) before the comparison.
        score: of the nearest.
        threshold: score from which an entry is named: a share ``fpir`` of probes by generators
            outside the gallery reaches it. It rises with the second best score.
        missed: score below which the verdict is "none": a share ``fnir`` of probes by enrolled
            generators stays below it.
        fpir, fnir: false positive and false negative identification rate, the nominal ones.
        condition: what the rates are calibrated for, e.g. "as is".
        reasons: why nothing can be said, as in ``Verification``.
        images: number of different pictures that had a vote.
        compared: number of families, an entry without one being one itself.
        candidates: the best families, by falling score.
        quality: of every probe image.
    """

    verdict: Named
    best: str | None
    nearest: str
    likelihood_ratio: float
    probability: float
    prior: float
    words: str
    score: float
    threshold: float
    missed: float
    fpir: float
    fnir: float
    condition: str
    reasons: tuple[str, ...]
    images: int
    compared: int
    candidates: tuple[Candidate, ...]
    quality: tuple[Quality, ...]

    @property
    def known(self) -> bool:
        """Whether the verdict is "named"."""
        return self.verdict == "named"

    @property
    def members(self) -> tuple[str, ...]:
        """Generators of the nearest family; empty where it is one itself."""
        return self.candidates[0].members

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; see docs/json.md."""
        return {
            **asdict(self),
            "reasons": list(self.reasons),
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "quality": [quality.to_dict() for quality in self.quality],
        }

    def to_json(self) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict())
