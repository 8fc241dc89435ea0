"""From which score an entry of a gallery is named: the scores that strangers reach.

Equations: docs/method.md#identification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from fingerprint_sdk.calibration import Condition

MARGIN = 0.5
"""Share of the second best score that is taken off the best one: a stranger is about as like
several entries, the right one stands out (benchmarks/quality/answers.py)."""

ENOUGH = 4
"""Entries from which a gallery tells by itself what strangers score; fewer tell too little."""

_PRIOR_ENTRIES = 6
"""Entries that the calibrated spread counts as much as."""

_SPREAD = 0.7
"""What the margin leaves of the spread of scores (benchmarks/quality/answers.py)."""


@dataclass(frozen=True, eq=False)
class Strangers:
    """Margins, best score less ``MARGIN`` times the second, of each entry's probes to the others.

    Attributes:
        mean: of the families' means, an entry without one being one itself.
        variance: of a probe by another family: between families, and within one.
        families: how many there are.
        images: of each probe.
    """

    mean: float
    variance: float
    families: int
    images: int

    def threshold(
        self, fpir: float, condition: Condition, asked: Condition, plain: Condition
    ) -> float:
        """Margin that a share ``fpir`` of probes by a further generator reaches.

        A prediction: Student's distribution about the entries' mean, its variance blended with
        the calibrated one. That is of unprocessed images: how far kinds of processing lie apart
        says nothing of probes that went through one.

        Args:
            fpir: of one probe.
            condition: of the probe.
            asked: the same with as many images as the entries' probes have: where these are not
                as many as the probe's, the calibration tells how much that moves all scores.
            plain: the probe's, of unprocessed images.
        """
        normal = NormalDist()
        low, high = plain.fmr_range
        span = normal.inv_cdf(1 - low) - normal.inv_cdf(1 - high)
        prior = _SPREAD * (plain.threshold(low) - plain.threshold(high)) / span
        own = self.families - 1
        freedom = _PRIOR_ENTRIES + own
        variance = (_PRIOR_ENTRIES * prior**2 + own * self.variance) / freedom
        moved = (1 - MARGIN) * (condition.threshold(high) - asked.threshold(high))
        return (
            self.mean
            + moved
            + student_quantile(1 - fpir, freedom) * math.sqrt(variance * (1 + 1 / self.families))
        )


def student_quantile(share: float, freedom: int) -> float:
    """Of Student's distribution: Hill's expansion (Comm. ACM 13, 1970), within 1e-3 from 5 on."""
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))
