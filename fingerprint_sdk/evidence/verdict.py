"""One number, and the verdict, the probability and the words that follow from it.

The number is a likelihood ratio: how many times more probable the findings are if the images share
a generator than if they do not. Equations: docs/method.md#decisions.
"""

from __future__ import annotations

import math
from typing import Literal

from fingerprint_sdk.errors import OperatingPointError

Verdict = Literal["same", "different", "inconclusive"]

NO_EVIDENCE = 1.0
"""The likelihood ratio of findings that say nothing."""

LEAST = 2.0
"""The likelihood ratio from which the findings support an answer, after ENFSI's scale."""

_SUPPORT = (
    (LEAST, "no support for either answer"),
    (10.0, "weak support"),
    (100.0, "moderate support"),
    (1_000.0, "moderately strong support"),
    (10_000.0, "strong support"),
    (math.inf, "very strong support"),
)
"""Upper ends of the ranges and their words: ENFSI, guideline for evaluative reporting, 2015."""


def judge(score: float, ratio: float, threshold: float, missed: float) -> Verdict:
    """What a score at a likelihood ratio amounts to.

    Args:
        score: of the comparison.
        ratio: its likelihood ratio.
        threshold: score that different sources reach at the asked FMR.
        missed: score that same sources stay below at the asked FNMR.

    Returns:
        "same" where the score reaches the threshold and the evidence supports it; "different"
        where it stays below ``missed`` and the evidence supports that; else "inconclusive".
    """
    if score >= threshold and ratio >= LEAST:
        return "same"
    if score < missed and ratio <= 1 / LEAST:
        return "different"
    return "inconclusive"


def probability(ratio: float, prior: float) -> float:
    """P(same source | findings) where it was ``prior`` before them.

    Raises:
        OperatingPointError: ``prior`` is not between 0 and 1.
    """
    if not (isinstance(prior, int | float) and 0 < prior < 1):
        raise OperatingPointError(f"prior={prior!r} must lie between 0 and 1: 0.5 favours neither")
    odds = ratio * prior / (1 - prior)
    return odds / (1 + odds)


def support(ratio: float) -> str:
    """How strong the evidence is, and for which answer, on ENFSI's scale.

    Raises:
        ValueError: ``ratio`` is no likelihood ratio: not finite, or not over 0.
    """
    if not 0 < ratio < math.inf:
        raise ValueError(f"{ratio!r} is no likelihood ratio")
    strength = max(ratio, 1 / ratio)
    word = next(word for end, word in _SUPPORT if strength < end)
    if strength < LEAST:
        return word
    return f"{word} for {'the same generator' if ratio > 1 else 'different generators'}"


def words(ratio: float) -> str:
    """A sentence that says what the likelihood ratio means."""
    if max(ratio, 1 / ratio) < LEAST:
        return (
            "The findings are about as probable if the images share a generator as if they do "
            "not: no support for either answer."
        )
    more, less = "share a generator", "come from different generators"
    if ratio < 1:
        more, less = less, more
    return (
        f"The findings are about {rounded(max(ratio, 1 / ratio))} times more probable if the "
        f"images {more} than if they {less}: {support(ratio)}."
    )


def rounded(number: float) -> str:
    """A number of at least 1 as a person would say it: two digits, then noughts.

    It is rounded down where it would seem to be of the next range of ``support``.
    """
    told = float(f"{number:.2g}")
    if told >= next(end for end, _ in _SUPPORT if number < end):
        unit = 10.0 ** (math.floor(math.log10(number)) - 1)
        told = float(f"{math.floor(number / unit) * unit:.2g}")
    return f"{told:,g}"
