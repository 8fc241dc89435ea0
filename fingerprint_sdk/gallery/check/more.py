"""How many more images of a generator would help: from the calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.check.findings import percent

_MUCH = 0.02
"""More images help much where one probe in fifty less is missed."""


@dataclass(frozen=True)
class Outlook:
    """How often single images by an entry's generator are missed, and with how many images less.

    Of the calibrated condition of the entry's images, one image against so many, at the FMR that
    is asked as FPIR.

    Attributes:
        images: how many the entry has.
        missed: share expected to stay below the threshold, between the two ``bounds``.
        enough: number of images from which more would hardly help; ``images`` where more would
            hardly help now.
        missed_then: share expected with so many.
        bounds: least and largest share that is calibrated: what lies beyond counts as that.
    """

    images: int
    missed: float
    enough: int
    missed_then: float
    bounds: tuple[float, float]

    @property
    def words(self) -> str:
        """A sentence."""
        count = f"{self.images} image" + ("s" if self.images > 1 else "")
        said = f"with {count} {self._about(self.missed)} of single images by it are missed"
        if self.enough <= self.images:
            return f"{said}; more images hardly lower that."
        return (
            f"{said}, with {self.enough} {self._about(self.missed_then)}; more than that hardly "
            "help."
        )

    def _about(self, share: float) -> str:
        low, high = self.bounds
        if share <= low:
            return f"at most {percent(low)}"
        return f"at least {percent(high)}" if share >= high else f"about {percent(share)}"


def outlook(side: Side, calibration: Calibration, fpir: float) -> Outlook:
    """Of an entry whose images make that side."""

    def missed(images: int) -> float:
        condition = calibration.condition(
            1, images, treatment=side.treatment, windows=side.windows
        )
        return missed_share(condition, condition.threshold(fpir))

    numbers = [side.images, *(n for n in calibration.images if n > side.images)]
    # More images never make a decision worse; where a table says so, it is its noise.
    shares = [missed(numbers[0])]
    for number in numbers[1:]:
        shares.append(min(shares[-1], missed(number)))
    enough = next(i for i, share in enumerate(shares) if share - shares[-1] < _MUCH)
    bounds = calibration.condition(1, 1).fnmr_range
    return Outlook(side.images, shares[0], numbers[enough], shares[enough], bounds)


def missed_share(condition: Condition, threshold: float) -> float:
    """Share of same sources that stay below a score; no further than the tabulated rates.

    Linear between them, as ``Condition.missed`` is.
    """
    below = [point for point in condition.misses if point[1] <= threshold]
    above = [point for point in condition.misses if point[1] > threshold]
    if not below:
        return above[0][0]
    if not above:
        return below[-1][0]
    (low, start), (high, end) = below[-1], above[0]
    weight = (threshold - start) / (end - start)
    return math.exp((1 - weight) * math.log(low) + weight * math.log(high))
