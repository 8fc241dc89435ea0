"""From which score an entry of a gallery is named, and how probable a score is of a stranger.

Equations: docs/method.md#identification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

MARGIN = 0.5
"""Share of the second best score that is taken off the best one: a stranger is about as like
several entries, the right one stands out (benchmarks/quality/answers.py)."""

ENOUGH = 4
"""Families from which a gallery tells by itself what strangers score; fewer tell too little."""

_SPREAD = 0.24
"""Presumed spread of families, as a share of how far an enrolled one lies above strangers: images
that keep less of a trace tell strangers apart less, too (benchmarks/quality/answers.py)."""

_SPREAD_FAMILIES = 48
"""Families that the presumed spread counts as much as: some few say little of one in a hundred."""

_MEAN = 0.46
"""Presumed mean margin of strangers, as a share of what an enrolled one's own probes score: it was
0.42 to 0.49 in galleries of images as they are, of networks, of JPEG files and of resized images
(benchmarks/quality/answers.py, benchmarks/quality/known.py)."""

_MEAN_FAMILIES = 2
"""Families that the presumed mean counts as much as."""

_LEAST_OF_COPIES = 0.08
"""How far an enrolled one lies above strangers at least, as a share of what its own probes score,
where copies were compared and the spread of strangers is presumed from that: ours of a kind differ
from what others did to an image, and of coarse kinds hardly a trace is left to tell them by
(benchmarks/quality/known.py)."""

_MOST = 100.0  # of the logarithm of a ratio: far more than any condition's bounds


@dataclass(frozen=True)
class Strangers:
    """Margins, best score less ``MARGIN`` times the second, of each family's probes to the others.

    Attributes:
        measured: mean of the families' means, an entry without one being one itself.
        between: variance between families' means, beyond that within them.
        within: variance between the probes of a family.
        best: mean of the best scores.
        own: score of probes by enrolled families with their own.
        families: how many were asked.
        copies: whether the probe was compared with copies.
    """

    measured: float
    between: float
    within: float
    best: float
    own: float
    families: int
    copies: bool = False

    @property
    def mean(self) -> float:
        """Mean margin of strangers, as measured, blended with the presumed one."""
        told = _MEAN_FAMILIES * _MEAN * self.own + self.families * self.measured
        return told / (_MEAN_FAMILIES + self.families)

    @property
    def gap(self) -> float:
        """How far above ``mean`` the margins of enrolled families' own probes lie, at least 0.

        The next one to such a probe is as near as one is to a stranger.
        """
        return max(self.own - MARGIN * self.best - self.mean, 0.0)

    def threshold(self, fpir: float) -> float:
        """Margin that a share ``fpir`` of probes by a further family reaches.

        A prediction: Student's distribution about the families' mean.
        """
        return self.mean + student_quantile(1 - fpir, self._freedom) * self._scale

    def likelihood_ratio(self, margin: float, most: float) -> float:
        """How many times more probable a margin is of an enrolled family's probe than of another.

        A stranger's margin is that of ``threshold``. Of an enrolled one's, no more is presumed
        than that it lies anywhere from the strangers' mean to ``most``. Never falling with the
        margin, and below the mean what it is there.

        Args:
            margin: of an entry.
            most: margin of a score of 1, the same for all entries.
        """
        over = max(margin - self.mean, 0.0) / self._scale
        rise = math.log1p(over**2 / self._freedom) * (self._freedom + 1) / 2
        return self._at_mean(most) * math.exp(min(rise, _MOST))

    def reaches(self, ratio: float, most: float) -> float:
        """Margin from which on the likelihood ratio is at least ``ratio``, the mean or more; see
        ``likelihood_ratio``."""
        # A little more, so that rounding does not make it less.
        rise = (ratio * (1 + 1e-9) / self._at_mean(most)) ** (2 / (self._freedom + 1)) - 1
        return self.mean + math.sqrt(self._freedom * max(rise, 0.0)) * self._scale

    def _at_mean(self, most: float) -> float:
        """The likelihood ratio of a margin of ``mean``."""
        nu = self._freedom
        peak = math.exp(math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2)) / math.sqrt(nu * math.pi)
        return self._scale / (max(most - self.mean, self._scale) * peak)

    @property
    def _freedom(self) -> int:
        return _SPREAD_FAMILIES + self.families - 1

    @property
    def _scale(self) -> float:
        """Standard deviation of a further family's probe: between families, and within one."""
        gap = max(self.gap, _LEAST_OF_COPIES * self.own) if self.copies else self.gap
        presumed = (_SPREAD * gap) ** 2
        told = _SPREAD_FAMILIES * presumed + (self.families - 1) * self.between
        of_mean = 1 / (_MEAN_FAMILIES + self.families)
        return max(math.sqrt(told / self._freedom * (1 + of_mean) + self.within), 1e-6)


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
