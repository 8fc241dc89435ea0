"""A score on a line, and the two scores that bound the verdicts."""

from __future__ import annotations

import math

from fingerprint_sdk.explanation.sentences import spelled


def scale(
    score: float,
    marks: tuple[float | None, float | None] = (None, None),
    words: tuple[str, str] = ("", ""),
    lowest: float = 0.0,
) -> str:
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
    shade = "" if drawn else f"<span class='fp-fill' style='width:{place(score)}%'></span>"
    if len(drawn) == 2:
        left, right = (place(mark) for _, mark in drawn)
        shade = f"<span class='fp-band' style='left:{left}%;width:{right - left:.2f}%'></span>"
    ticks = "".join(
        f"<span class='fp-tick' style='left:{place(mark)}%'></span>" for _, mark in drawn
    )
    below = "".join(f"<span>{one}</span>" for one in legend)
    return (
        f"<div class='fp-scale' role='img' aria-label='{spoken}'>"
        f"{_label(place(score), f'score {said}')}"
        f"<span class='fp-end'>{lowest:.2g}</span>"
        f"<div class='fp-line'>{shade}{ticks}"
        f"<span class='fp-dot' style='left:{place(score)}%'></span></div>"
        f"<span class='fp-end'>1</span><div class='fp-below'>{below}</div></div>"
    )


def _label(place: float, words: str) -> str:
    # Shifted by its own share of the width, a label stays inside at both ends.
    style = f"left:{place}%;transform:translateX(-{place}%)"
    return f"<div class='fp-above'><span style='{style}'>{words}</span></div>"
