"""A score on a line, and the two scores that bound the verdicts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fingerprint_sdk.explanation.sentences import spelled
from fingerprint_sdk.markup import render

if TYPE_CHECKING:
    from markupsafe import Markup


def scale(
    score: float,
    marks: tuple[float | None, float | None] = (None, None),
    words: tuple[str, str] = ("", ""),
    lowest: float = 0.0,
) -> Markup:
    """The score on a line to 1, from 0 or a tenth below what is negative.

    Args:
        score: at most 1.
        marks: the score below which one answer is given, and that from which the other is; None
            where there is none to draw. Between both the line is shaded.
        words: what they are, each to be followed by its score.
        lowest: of the scores that share the scale.
    """
    drawn = [(word, mark) for word, mark in zip(words, marks, strict=True) if mark is not None]
    every = [score, *(mark for _, mark in drawn)]
    lowest = math.floor(10 * min(0.0, lowest, *every)) / 10

    def place(value: float) -> float:
        return round(100 * (min(value, 1.0) - lowest) / (1 - lowest), 2)

    said, *at = spelled(*every)
    legend = [f"{word} {value}" for (word, _), value in zip(drawn, at, strict=True)]
    spoken = ", ".join([f"score {said}", *legend, f"on a scale from {lowest:.2g} to 1"])
    return render(
        "web/parts/scale.html",
        spoken=spoken,
        # Shifted by its own share of the width, a label stays inside at both ends.
        place=place(score),
        above=f"score {said}",
        lowest=f"{lowest:.2g}",
        ticks=[place(mark) for _, mark in drawn],
        legend=legend,
    )
