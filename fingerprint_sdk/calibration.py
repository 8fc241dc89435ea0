"""Thresholds and probabilities: from a cosine score to a decision at a stated error rate."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from fingerprint_sdk.errors import ModelError, OperatingPointError


@dataclass(frozen=True)
class Condition:
    """Calibration of one kind of comparison.

    Equations: docs/method.md#calibration.

    Attributes:
        images_a, images_b: images on each side, ``images_a <= images_b``.
        recompressed: whether a side carries lossy compression.
        thresholds: (FMR, cosine threshold) pairs, FMR rising; impostor quantiles.
        slope, intercept: P(same | score) at an even prior is
            ``1 / (1 + exp(-(slope * score + intercept)))``.
    """

    images_a: int
    images_b: int
    recompressed: bool
    thresholds: tuple[tuple[float, float], ...]
    slope: float
    intercept: float

    @property
    def fmr_range(self) -> tuple[float, float]:
        """Smallest and largest false match rate that has a threshold."""
        return self.thresholds[0][0], self.thresholds[-1][0]

    def threshold(self, fmr: float) -> float:
        """Cosine threshold at a false match rate, linear in log10(FMR) between the tabulated.

        Raises:
            OperatingPointError: ``fmr`` lies outside the tabulated range.
        """
        low, high = self.fmr_range
        if not (isinstance(fmr, int | float) and low <= fmr <= high):
            raise OperatingPointError(
                f"no threshold is calibrated for fmr={fmr!r}: choose from {low:g} to {high:g}"
            )
        previous = self.thresholds[0]
        for point in self.thresholds:
            if fmr <= point[0]:
                break
            previous = point
        if fmr == point[0]:
            return point[1]
        span = math.log10(point[0]) - math.log10(previous[0])
        weight = (math.log10(fmr) - math.log10(previous[0])) / span
        return previous[1] + weight * (point[1] - previous[1])

    def uncertain_band(self, fmr: float) -> tuple[float, float]:
        """Scores too near the threshold to trust: from that of 2 FMR to that of FMR / 2.

        Ends outside the tabulated range are moved to its ends.
        """
        low, high = self.fmr_range
        return self.threshold(min(2 * fmr, high)), self.threshold(max(fmr / 2, low))

    def probability(self, score: float) -> float:
        """P(same source | score) when same and different are equally likely beforehand."""
        exponent = self.slope * score + self.intercept
        # Both forms are the logistic function; each is used where its exp cannot overflow.
        if exponent >= 0:
            return 1 / (1 + math.exp(-exponent))
        return math.exp(exponent) / (1 + math.exp(exponent))


@dataclass(frozen=True)
class Calibration:
    """All conditions a model was calibrated for.

    Attributes:
        default_fmr: the false match rate used when none is asked for.
        conditions: one entry for each kind of comparison.
    """

    default_fmr: float
    conditions: tuple[Condition, ...]

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Parse the ``calibration`` entry of a model's metadata.

        Raises:
            ModelError: it is not valid; the message says where.
        """
        try:
            return _parse(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ModelError(
                f"the model's calibration is not valid ({reason}): export the model again"
            ) from error

    def condition(self, images_a: int, images_b: int, *, recompressed: bool) -> Condition:
        """The condition that fits a comparison best.

        The two sides may be given in either order. Of the conditions with no more images a side
        than there are, the one with the most on the smaller side is taken, then on the larger:
        having more images than calibrated for only makes a decision safer. Where nothing is
        calibrated for this ``recompressed``, the other is used.

        Raises:
            OperatingPointError: fewer images than any condition has.
        """
        few, many = sorted((images_a, images_b))
        fitting = [c for c in self.conditions if c.images_a <= few and c.images_b <= many]
        if not fitting:
            raise OperatingPointError(
                f"nothing is calibrated for {images_a} against {images_b} images"
            )
        same = [c for c in fitting if c.recompressed == recompressed]
        return max(same or fitting, key=lambda c: (c.images_a, c.images_b))


def _parse(data: Any) -> Calibration:
    if not isinstance(data, dict) or not isinstance(data["conditions"], list):
        raise ValueError("it must be an object with a list of conditions")
    conditions = tuple(_parse_condition(entry) for entry in data["conditions"])
    keys = {(c.images_a, c.images_b, c.recompressed) for c in conditions}
    if len(keys) != len(conditions):
        raise ValueError("two conditions are the same")
    if not any(c.images_a == c.images_b == 1 for c in conditions):
        raise ValueError("the condition of one image against one is missing")
    default = _number(data["default_fmr"])
    for condition in conditions:
        low, high = condition.fmr_range
        if not low <= default <= high:
            raise ValueError(f"default_fmr {default:g} is outside a condition's range")
    return Calibration(default, conditions)


def _parse_condition(entry: Any) -> Condition:
    images_a, images_b = entry["images_a"], entry["images_b"]
    recompressed = entry["recompressed"]
    if type(images_a) is not int or type(images_b) is not int or type(recompressed) is not bool:
        raise ValueError("images_a and images_b must be integers, recompressed true or false")
    if not 1 <= images_a <= images_b:
        raise ValueError(f"1 <= images_a <= images_b does not hold for {images_a}, {images_b}")
    thresholds = tuple(
        sorted((float(fmr), _number(value)) for fmr, value in entry["thresholds"].items())
    )
    if not thresholds:
        raise ValueError("a condition has no thresholds")
    if not all(0 < fmr < 1 and -1 <= value <= 1 for fmr, value in thresholds):
        raise ValueError("FMRs must lie between 0 and 1, thresholds from -1 to 1")
    values = [value for _, value in thresholds]
    if len({fmr for fmr, _ in thresholds}) != len(thresholds) or values != sorted(
        values, reverse=True
    ):
        raise ValueError("a higher FMR must not have a higher threshold")
    slope, intercept = (_number(value) for value in entry["logistic"])
    if slope <= 0:
        raise ValueError("the logistic slope must be positive")
    return Condition(images_a, images_b, recompressed, thresholds, slope, intercept)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)
