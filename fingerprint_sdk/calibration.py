"""From a score to a likelihood ratio and to thresholds at stated error rates, by condition.

A condition is a kind of comparison: what happened to the images, how many windows of them count,
and how many images stand on each side. Equations: docs/method.md#calibration.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fingerprint_sdk.errors import ModelError, OperatingPointError
from fingerprint_sdk.evidence.cohort import Cohort
from fingerprint_sdk.evidence.verdict import LEAST
from fingerprint_sdk.images.treatment import TREATMENTS
from fingerprint_sdk.process.forks import cached_property

Table = tuple[tuple[float, float], ...]

_FORMAT = 2
_Key = tuple[str, int, int, int]


@dataclass(frozen=True)
class Condition:
    """Calibration of one kind of comparison.

    Attributes:
        treatment: one of ``TREATMENTS``, the worse of the two sides'.
        windows: that count, of the image that has the fewest.
        images_a, images_b: images on each side, ``images_a <= images_b``.
        thresholds: (FMR, score) pairs, FMR rising: a share FMR of different sources reaches it.
        misses: (FNMR, score) pairs, FNMR rising: a share FNMR of same sources stays below it.
        slope, intercept: ln of the likelihood ratio is ``slope * score + intercept``.
        bounds: the least and the largest likelihood ratio that the reference data support.
        excess: what processing explains of the two sides beyond what is usual, at least 0. So far
            below ``even`` a score is evidence of nothing: processing explains a likeness away, and
            makes nothing unlike.
    """

    treatment: str
    windows: int
    images_a: int
    images_b: int
    thresholds: Table
    misses: Table
    slope: float
    intercept: float
    bounds: tuple[float, float]
    excess: float = 0.0

    @property
    def fmr_range(self) -> tuple[float, float]:
        """Smallest and largest false match rate that has a threshold."""
        return self.thresholds[0][0], self.thresholds[-1][0]

    @property
    def fnmr_range(self) -> tuple[float, float]:
        """Smallest and largest false non-match rate that has a score."""
        return self.misses[0][0], self.misses[-1][0]

    def threshold(self, fmr: float) -> float:
        """Score that a share ``fmr`` of different sources reaches.

        Linear in log10(FMR) between the tabulated rates.

        Raises:
            OperatingPointError: ``fmr`` lies outside the tabulated range.
        """
        return _at(self.thresholds, fmr, "fmr")

    def missed(self, fnmr: float) -> float:
        """Score that a share ``fnmr`` of same sources stays below, less ``excess``.

        Raises:
            OperatingPointError: ``fnmr`` lies outside the tabulated range.
        """
        return _at(self.misses, fnmr, "fnmr") - self.excess

    @property
    def even(self) -> float:
        """Score above which the evidence is for one source: a likelihood ratio of more than 1."""
        return -self.intercept / self.slope

    @property
    def supported(self) -> tuple[float, float]:
        """Scores from which the evidence supports an answer: two sources up to the first, one
        source from the second on. The likelihood ratio is 1 / ``LEAST`` and ``LEAST`` there."""
        # A little more, so that rounding does not make the ratio less.
        apart = (math.log(LEAST) + 1e-9) / self.slope
        return self.even - apart - self.excess, self.even + apart

    def shifted(self, by: float) -> Condition:
        """The condition of scores that are all higher by that."""
        return replace(
            self,
            thresholds=tuple((rate, score + by) for rate, score in self.thresholds),
            misses=tuple((rate, score + by) for rate, score in self.misses),
            intercept=self.intercept - self.slope * by,
        )

    def limits(self, fmr: float, fnmr: float) -> tuple[float, float]:
        """Scores that a verdict needs: "different" below the first, "same" from the second on.

        Those of the two rates, but never where the evidence does not support the answer.

        Raises:
            OperatingPointError: a rate lies outside the tabulated range.
        """
        low, high = self.supported
        return min(self.missed(fnmr), low), max(self.threshold(fmr), high)

    def likelihood_ratio(self, score: float) -> float:
        """How many times more probable the score is of one source than of two.

        Never falling with the score, 1 from ``excess`` below ``even`` on, and no further than
        ``bounds``.
        """
        low, high = self.bounds
        if score < self.even:
            score = min(score + self.excess, self.even)
        exponent = self.slope * score + self.intercept
        if exponent >= math.log(high):  # before exp, which could overflow
            return high
        return max(math.exp(exponent), low)


@dataclass(frozen=True)
class Calibration:
    """All conditions a model was calibrated for.

    Attributes:
        default_fmr, default_fnmr: the rates used when none is asked for.
        conditions: by (treatment, windows, images_a, images_b); on each axis every combination.
        cohort: what processing explains of a likeness.
    """

    default_fmr: float
    default_fnmr: float
    conditions: Mapping[_Key, Condition]
    cohort: Cohort

    @classmethod
    def from_json(cls, text: str, cohort: Cohort) -> Calibration:
        """Parse the ``calibration`` entry of a model's metadata.

        Raises:
            ModelError: it is not valid; the message says where.
        """
        try:
            return _parse(json.loads(text), cohort)
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ModelError(
                f"the model's calibration is not valid ({reason}): export the model again with "
                "this version of the trainer"
            ) from error

    @cached_property
    def images(self) -> tuple[int, ...]:
        """Numbers of images a side that were calibrated, rising, from 1."""
        return tuple(sorted({key[2] for key in self.conditions}))

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Numbers of windows that were calibrated, rising, from 1."""
        return tuple(sorted({key[1] for key in self.conditions}))

    @property
    def fmr_range(self) -> tuple[float, float]:
        """Smallest and largest false match rate that every condition has a threshold at."""
        ranges = [condition.fmr_range for condition in self.conditions.values()]
        return max(low for low, _ in ranges), min(high for _, high in ranges)

    def check(self, fmr: float | None, fnmr: float | None = None) -> tuple[float, float]:
        """Both rates, or the defaults of those that are None.

        Raises:
            OperatingPointError: a rate lies outside the calibrated range.
        """
        fmr = self.default_fmr if fmr is None else fmr
        fnmr = self.default_fnmr if fnmr is None else fnmr
        single = self.condition(1, 1)
        single.threshold(fmr), single.missed(fnmr)
        return fmr, fnmr

    def condition(
        self,
        images_a: int,
        images_b: int,
        *,
        treatment: str = TREATMENTS[0],
        windows: int | None = None,
    ) -> Condition:
        """The condition of a comparison.

        Between the numbers of images that were calibrated, all is linear in the logarithm of the
        number; beyond the largest it stays, where more images only make a decision safer. Of
        windows the largest calibrated number counts that is no more than ``windows``.

        Args:
            images_a, images_b: on the two sides, in either order, at least 1.
            treatment: one of ``TREATMENTS``.
            windows: None for as many as were calibrated at most.

        Raises:
            OperatingPointError: a side has no image.
            ValueError: an unknown treatment.
        """
        if min(images_a, images_b) < 1:
            raise OperatingPointError(
                f"nothing is calibrated for {images_a} against {images_b} images"
            )
        if treatment not in TREATMENTS:
            raise ValueError(f"treatment must be one of {TREATMENTS}, not {treatment!r}")
        few, many = sorted((images_a, images_b))
        seen = max([w for w in self.windows if windows is None or w <= windows], default=0)
        seen = seen or self.windows[0]
        corners = [
            (weight_a * weight_b, self._corner(treatment, seen, a, b))
            for a, weight_a in _around(few, self.images)
            for b, weight_b in _around(many, self.images)
        ]
        return _blend(corners, treatment, seen, few, many)

    def _corner(self, treatment: str, windows: int, a: int, b: int) -> Condition:
        return self.conditions[treatment, windows, min(a, b), max(a, b)]


def _around(number: int, grid: tuple[int, ...]) -> list[tuple[int, float]]:
    """The calibrated numbers beside ``number``, each with its weight."""
    if number >= grid[-1]:
        return [(grid[-1], 1.0)]
    above = next(place for place, value in enumerate(grid) if value > number)
    low, high = grid[above - 1], grid[above]
    weight = math.log(number / low) / math.log(high / low)
    return [(low, 1 - weight), (high, weight)] if weight > 0 else [(low, 1.0)]


def _blend(
    corners: list[tuple[float, Condition]], treatment: str, windows: int, few: int, many: int
) -> Condition:
    if len(corners) == 1:
        return replace(corners[0][1], images_a=few, images_b=many)

    def mean(values: list[float]) -> float:
        return sum(weight * value for (weight, _), value in zip(corners, values, strict=True))

    def table(tables: list[Table]) -> Table:
        return tuple(
            (rows[0][0], mean([score for _, score in rows])) for rows in zip(*tables, strict=True)
        )

    each = [condition for _, condition in corners]
    logs = [[math.log(bound) for bound in condition.bounds] for condition in each]
    return Condition(
        treatment=treatment,
        windows=windows,
        images_a=few,
        images_b=many,
        thresholds=table([condition.thresholds for condition in each]),
        misses=table([condition.misses for condition in each]),
        slope=mean([condition.slope for condition in each]),
        intercept=mean([condition.intercept for condition in each]),
        bounds=(math.exp(mean([low for low, _ in logs])), math.exp(mean([up for _, up in logs]))),
    )


def _at(table: Table, rate: float, name: str) -> float:
    low, high = table[0][0], table[-1][0]
    if not (isinstance(rate, int | float) and low <= rate <= high):
        raise OperatingPointError(
            f"nothing is calibrated for {name}={rate!r}: choose from {low:g} to {high:g}"
        )
    previous = table[0]
    for point in table:
        if rate <= point[0]:
            break
        previous = point
    if rate == point[0]:
        return point[1]
    span = math.log10(point[0]) - math.log10(previous[0])
    weight = (math.log10(rate) - math.log10(previous[0])) / span
    return previous[1] + weight * (point[1] - previous[1])


def _parse(data: Any, cohort: Cohort) -> Calibration:
    if not isinstance(data, dict) or data["format"] != _FORMAT:
        raise ValueError(f"it must be an object of format {_FORMAT}")
    listed = [_parse_condition(entry) for entry in data["conditions"]]
    conditions = {(c.treatment, c.windows, c.images_a, c.images_b): c for c in listed}
    if len(conditions) != len(listed):
        raise ValueError("two conditions are the same")
    images = sorted({key[2] for key in conditions} | {key[3] for key in conditions})
    windows = sorted({key[1] for key in conditions})
    wanted = {
        (treatment, seen, a, b)
        for treatment in TREATMENTS
        for seen in windows
        for a in images
        for b in images
        if a <= b
    }
    if not listed or images[0] != 1 or windows[0] != 1 or conditions.keys() != wanted:
        raise ValueError("its conditions must be all combinations, from one image and one window")
    rates = {(tuple(f for f, _ in c.thresholds), tuple(f for f, _ in c.misses)) for c in listed}
    if len(rates) != 1:
        raise ValueError("all conditions must have the same rates")
    default_fmr, default_fnmr = _number(data["default_fmr"]), _number(data["default_fnmr"])
    try:
        listed[0].threshold(default_fmr), listed[0].missed(default_fnmr)
    except OperatingPointError as error:
        raise ValueError(f"a default is out of range: {error}") from error
    return Calibration(default_fmr, default_fnmr, conditions, cohort)


def _parse_condition(entry: Any) -> Condition:
    numbers = tuple(entry[key] for key in ("windows", "images_a", "images_b"))
    if not all(type(number) is int and number >= 1 for number in numbers):
        raise ValueError("windows, images_a and images_b must be integers from 1")
    windows, images_a, images_b = numbers
    if images_a > images_b:
        raise ValueError(f"images_a <= images_b does not hold for {images_a}, {images_b}")
    if entry["treatment"] not in TREATMENTS:
        raise ValueError(f"{entry['treatment']!r} is no treatment")
    thresholds = _parse_table(entry["thresholds"], rising=False)
    misses = _parse_table(entry["misses"], rising=True)
    slope, intercept = (_number(value) for value in entry["logistic"])
    if slope <= 0:
        raise ValueError("the logistic slope must be positive")
    low, high = (_number(value) for value in entry["bounds"])
    if not 0 < low <= 1 / LEAST < LEAST <= high:
        raise ValueError(
            f"the bounds of the likelihood ratio must be 1/{LEAST:g} and {LEAST:g}, or wider"
        )
    return Condition(
        entry["treatment"],
        windows,
        images_a,
        images_b,
        thresholds,
        misses,
        slope,
        intercept,
        (low, high),
    )


def _parse_table(entry: Any, *, rising: bool) -> Table:
    table = tuple(sorted((float(rate), _number(score)) for rate, score in entry.items()))
    rates, scores = [rate for rate, _ in table], [score for _, score in table]
    if not table or not all(0 < rate < 1 for rate in rates) or len(set(rates)) != len(rates):
        raise ValueError("a condition needs rates between 0 and 1, each once")
    # A score is a cosine less what processing explains of it, so it has no lower end.
    if not all(score <= 1 for score in scores) or scores != sorted(scores, reverse=not rising):
        raise ValueError("a higher rate must not have a stricter score, and none lies above 1")
    return table


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)
