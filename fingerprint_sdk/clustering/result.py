"""What grouping finds, and how well it matches the truth."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.extras import need
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.results import Failure, as_json

Method = Literal["agglomerative", "hdbscan"]

ALONE = -1
"""Label of an image in no group."""


@dataclass(frozen=True)
class ClusteringScore:
    """A grouping against the truth; see scikit-learn's functions of these names.

    An image in no group counts as a group of its own.

    Attributes:
        images: how many had a known truth.
        adjusted_rand: 1 for the true grouping, about 0 for a random one.
        v_measure: harmonic mean of the next two, 0 to 1.
        homogeneity: 1 when no group mixes generators.
        completeness: 1 when no generator is torn apart.
    """

    images: int
    adjusted_rand: float
    v_measure: float
    homogeneity: float
    completeness: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict())


@dataclass(frozen=True)
class Clustering:
    """Outcome of grouping images by generator.

    Attributes:
        labels: for each input image its group, 0 for the largest; -1 when it is in none: it is
            alone, flat (no fingerprint), or could not be used.
        strength: for each input image the calibrated P(same generator) of it against the rest of
            its group, at an even prior; 0 when it is in none.
        groups: for each group the places of its images in the input, rising.
        method: "agglomerative" or "hdbscan".
        threshold: mean score at which groups were cut; None for "hdbscan".
        fmr: false match rate of that threshold, for *one* comparison of two images; None for
            "hdbscan".
        quality: of each input image; None for those in ``failures``.
        failures: the images that could not be used.
    """

    labels: tuple[int, ...]
    strength: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    method: Method
    threshold: float | None
    fmr: float | None
    quality: tuple[Quality | None, ...]
    failures: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; see docs/json.md."""
        return {
            "labels": list(self.labels),
            "strength": list(self.strength),
            "groups": [list(group) for group in self.groups],
            "method": self.method,
            "threshold": self.threshold,
            "fmr": self.fmr,
            "quality": [None if q is None else q.to_dict() for q in self.quality],
            "failures": [{"index": f.index, "error": str(f.error)} for f in self.failures],
        }

    def to_json(self) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict())

    def score(self, truth: Sequence[Hashable | None]) -> ClusteringScore:
        """Compare with the truth.

        Args:
            truth: for each input image its generator, or None if unknown. Images of unknown
                truth and those in ``failures`` are left out.

        Raises:
            FingerprintError: the lengths differ, or nothing is left to compare.
        """
        if len(truth) != len(self.labels):
            raise FingerprintError(
                f"the truth has {len(truth)} entries for {len(self.labels)} images: give one each"
            )
        failed = {failure.index for failure in self.failures}
        known = [i for i, name in enumerate(truth) if name is not None and i not in failed]
        if not known:
            raise FingerprintError("the truth of none of the images is known: nothing to score")
        numbers = {name: number for number, name in enumerate(dict.fromkeys(truth))}
        true = [numbers[truth[i]] for i in known]
        found = [self.labels[i] if self.labels[i] != ALONE else -1 - i for i in known]
        metrics = need("sklearn.metrics", "cluster", "scoring a grouping")
        homogeneity, completeness, v_measure = metrics.homogeneity_completeness_v_measure(
            true, found
        )
        return ClusteringScore(
            images=len(known),
            adjusted_rand=float(metrics.adjusted_rand_score(true, found)),
            v_measure=float(v_measure),
            homogeneity=float(homogeneity),
            completeness=float(completeness),
        )
