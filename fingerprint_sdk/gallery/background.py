"""What a probe by a generator outside the gallery would score: told by the gallery's own entries.

Each entry's images, or its copies like the probe, are probes to all other entries. Equations:
docs/method.md#identification.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.gallery.eligible import Suited, nearest_fingerprints
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.fingerprints import Fingerprints

MARGIN = 0.5
"""Share of the second best score that is taken off the best one: a stranger is about as like
several entries, the right one stands out (benchmarks/quality/answers.py)."""

ENOUGH = 4
"""Entries from which a gallery tells by itself what strangers score; fewer tell too little."""

_PRIOR_ENTRIES = 6
"""Entries that the calibrated spread counts as much as."""

_SPREAD = 0.5
"""What the margin leaves of the spread of scores (benchmarks/quality/answers.py)."""

_ASKED, _PROBES = 64, 6  # entries that are probed with, and probes of each: 1 s at 10,000 entries


@dataclass(frozen=True, eq=False)
class Strangers:
    """Margins, best score less ``MARGIN`` times the second, of each entry's probes to the others.

    Attributes:
        mean: of the entries' means.
        variance: of a probe by another entry: between entries, and within one.
        entries: how many there are.
        images: of each probe.
    """

    mean: float
    variance: float
    entries: int
    images: int

    def threshold(self, fpir: float, condition: Condition, asked: Condition) -> float:
        """Margin that a share ``fpir`` of probes by a further generator reaches.

        A prediction: Student's distribution about the entries' mean, its variance blended with
        that of the calibrated condition.

        Args:
            fpir: of one probe.
            condition: of the probe.
            asked: the same with as many images as the entries' probes have: where these are not
                as many as the probe's, the calibration tells how much that moves all scores.
        """
        normal = NormalDist()
        low, high = condition.fmr_range
        span = normal.inv_cdf(1 - low) - normal.inv_cdf(1 - high)
        prior = _SPREAD * (condition.threshold(low) - condition.threshold(high)) / span
        own = self.entries - 1
        freedom = _PRIOR_ENTRIES + own
        variance = (_PRIOR_ENTRIES * prior**2 + own * self.variance) / freedom
        moved = (1 - MARGIN) * (condition.threshold(high) - asked.threshold(high))
        return (
            self.mean
            + moved
            + student_quantile(1 - fpir, freedom) * math.sqrt(variance * (1 + 1 / self.entries))
        )


@dataclass(frozen=True, eq=False)
class Background:
    """What strangers score in a gallery, by what they are like; computed once for each."""

    entries: Mapping[str, Entry]
    known: Fingerprints
    _explained: dict[str, float] = field(default_factory=dict)
    _found: dict[tuple[Suited, int], Strangers] = field(default_factory=dict)

    def explained(self, name: str, calibration: Calibration) -> float:
        """What processing explains of an entry's images, on average."""
        if name not in self._explained:
            found = calibration.cohort.explain(self.entries[name].embeddings)
            self._explained[name] = float(np.mean([one.amount for one in found]))
        return self._explained[name]

    def strangers(self, like: Suited, images: int, calibration: Calibration) -> Strangers:
        """Of probes of so many images that are like that."""
        key = (like, images)
        if key not in self._found:
            self._found[key] = self._measure(like, images, calibration)
        return self._found[key]

    def _measure(self, like: Suited, images: int, calibration: Calibration) -> Strangers:
        rng = np.random.default_rng(0)
        everything = list(self.entries.values())
        asked = np.sort(rng.permutation(len(everything))[:_ASKED])
        means, within, counts = [], [], []
        for place in asked:
            probes, explained, count = _probes(everything[place], like, images, calibration, rng)
            counts.append(count)
            margins = []
            for probe, amount in zip(probes, explained, strict=True):
                cosines = self.known.matrix @ probe
                rows, _ = nearest_fingerprints(self.known, cosines, like)
                scores = np.delete(cosines[rows].astype(np.float64), place) - amount
                margins.append(margin_of(scores))
            means.append(np.mean(margins))
            if len(margins) > 1:
                within.append(np.var(margins, ddof=1))
        inner = float(np.mean(within)) if within else 0.0
        # The means' own variance holds what is left of that within an entry.
        between = max(float(np.var(means, ddof=1)) - inner / _PROBES, 0.0)
        return Strangers(
            float(np.mean(means)), between + inner, len(everything), int(np.median(counts))
        )


def margin_of(scores: npt.NDArray[np.floating]) -> float:
    """Best score less ``MARGIN`` times the second; shape (N,), N >= 2."""
    second, best = np.partition(scores, -2)[-2:]
    return float(best - MARGIN * second)


def student_quantile(share: float, freedom: int) -> float:
    """Of Student's distribution: Hill's expansion (Comm. ACM 13, 1970), within 1e-3 from 5 on."""
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _probes(
    entry: Entry,
    like: Suited,
    images: int,
    calibration: Calibration,
    rng: np.random.Generator,
) -> tuple[Sequence[npt.NDArray[np.floating]], Sequence[float], int]:
    """Fingerprints of probes by an entry, what processing explains of each, and their images.

    Of its images where these are like that, else of its copies, each of all its images.
    """
    copies = [copy for kind, copy in entry.copies.items() if kind in like.kinds]
    if copies and not like.as_enrolled:
        rows = [mean_embedding(copy.mean[None]) for copy in copies]
        return rows, [0.0] * len(rows), copies[0].count
    count = min(images, len(entry.embeddings))
    chosen = [rng.permutation(len(entry.embeddings))[:count] for _ in range(_PROBES)]
    amounts = np.array([one.amount for one in calibration.cohort.explain(entry.embeddings)])
    return (
        [mean_embedding(entry.embeddings[places]) for places in chosen],
        [float(amounts[places].mean()) for places in chosen],
        count,
    )
