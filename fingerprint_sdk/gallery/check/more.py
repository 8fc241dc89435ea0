"""How many more images of a generator would help.

An entry's own images, looked up, tell how far above the threshold its generator's images score;
the calibration tells how much further they would with more images enrolled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.check.findings import percent

_MUCH = 0.02
"""More images help much where one probe in fifty less is missed."""

_LEAST_SPREAD = 0.005  # of scores: a few images may agree by chance


@dataclass(frozen=True)
class Outlook:
    """How many single images by an entry's generator are missed, and with how many images fewer.

    Attributes:
        images: how many the entry has.
        missed: share expected not to be named, 0 to 1.
        enough: number of images from which more would hardly help: ``images``, or a larger one
            that was calibrated.
        missed_then: share expected with so many.
    """

    images: int
    missed: float
    enough: int
    missed_then: float

    @property
    def words(self) -> str:
        """A sentence."""
        count = f"{self.images} image" + ("s" if self.images > 1 else "")
        said = f"with {count} about {percent(self.missed)} of single images by it are not named"
        if self.enough <= self.images:
            return f"{said}; more images hardly lower that."
        return f"{said}, with {self.enough} about {percent(self.missed_then)}; more hardly help."


def outlooks(
    sides: Sequence[Side],
    margins: Mapping[int, Sequence[float]],
    calibration: Calibration,
    fpir: float,
) -> tuple[Outlook | None, ...]:
    """Of each entry; None of all where no image was looked up.

    Args:
        sides: that all images of each entry make.
        margins: by the place of an entry, of its images that were looked up: own score less what
            it takes to be named. Entries without are taken to be as the others are.
        calibration: of the model.
        fpir: at which they were looked up.
    """
    if not margins:
        return (None,) * len(sides)

    # With one image less in the entry, see ``lookups``.
    eases = {
        place: fmean(found) - lead(sides[place], sides[place].images - 1, calibration, fpir)
        for place, found in margins.items()
    }
    within = [variance(found) for found in margins.values() if len(found) > 1]
    spread = max(fmean(within) ** 0.5 if within else 0.0, _LEAST_SPREAD)
    usual = fmean(eases.values())
    return tuple(
        _outlook(side, eases.get(place, usual), spread, calibration, fpir)
        for place, side in enumerate(sides)
    )


def lead(side: Side, images: int, calibration: Calibration, fpir: float) -> float:
    """Score of the usual true pair, one image against so many, less that of a stranger in many.

    Args:
        side: whose condition counts.
        images: how many.
        calibration: of the model.
        fpir: the share of strangers that score higher.
    """
    condition = calibration.condition(1, images, treatment=side.treatment, windows=side.windows)
    return condition.missed(condition.fnmr_range[1]) - condition.threshold(fpir)


def _outlook(
    side: Side, ease: float, spread: float, calibration: Calibration, fpir: float
) -> Outlook:
    numbers = [side.images, *(n for n in calibration.images if n > side.images)]
    shares: list[float] = []
    for images in numbers:
        above = ease + lead(side, images, calibration, fpir)
        share = NormalDist().cdf(-above / spread)
        # More images never make it worse; where the tables say so, it is their noise.
        shares.append(min([share, *shares[-1:]]))
    enough = next(i for i, share in enumerate(shares) if share - shares[-1] < _MUCH)
    return Outlook(side.images, shares[0], numbers[enough], shares[enough])
