"""Scores on lines, with the two that bound the verdicts, for any page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, support
from fingerprint_sdk.explanation.sentences import Result, bounds, marks, spelled
from fingerprint_sdk.identification import Candidate, Identification
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
        "explanation/scale.html",
        spoken=spoken,
        # Shifted by its own share of the width, a label stays inside at both ends.
        place=place(score),
        above=f"score {said}",
        lowest=f"{lowest:.2g}",
        ticks=[place(mark) for _, mark in drawn],
        legend=legend,
    )


def scale_of(result: Result, lowest: float = 0.0) -> Markup:
    """The score of a result between what bounds its verdicts."""
    return scale(result.score, marks(result), bounds(result), lowest)


def candidates(result: Identification) -> Markup:
    """The nearest entries under each other, each with its members and its score on a line.

    All lines have one scale, so that scores can be compared down the page.
    """
    drawn = [mark for mark in marks(result) if mark is not None]
    lowest = min([*drawn, *(candidate.score for candidate in result.candidates)])
    # The marks are the nearest one's: from which score it is named depends on the second, too.
    lines = [scale_of(result, lowest)]
    lines += [scale(candidate.score, lowest=lowest) for candidate in result.candidates[1:]]
    return render(
        "explanation/candidates.html",
        candidates=[
            _candidate(candidate, line, result)
            for candidate, line in zip(result.candidates, lines, strict=True)
        ],
    )


def _candidate(candidate: Candidate, line: Markup, result: Identification) -> dict[str, object]:
    said = []
    # An entry of many images may support itself below a nearer one that counts against it.
    if result.verdict != "none" or candidate.likelihood_ratio < NO_EVIDENCE:
        said.append(support(candidate.likelihood_ratio))
    if candidate.copy is not None:
        said.append(f"compared as {candidate.copy}")
    return {
        "name": candidate.name,
        "members": ", ".join(candidate.members),
        "said": ", ".join(said),
        "line": line,
        "named": candidate.name == result.best,
    }
