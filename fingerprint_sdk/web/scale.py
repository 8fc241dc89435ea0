"""A score and its threshold on a line."""

from __future__ import annotations

import math


def scale(
    score: float,
    threshold: float,
    band: tuple[float, float] | None = None,
    lowest: float = 0.0,
) -> str:
    """The score and the threshold on a line to 1, from 0 or a tenth below what is negative."""
    lowest = math.floor(10 * min(0.0, lowest, score, threshold)) / 10

    def place(value: float) -> float:
        return round(100 * (min(value, 1.0) - lowest) / (1 - lowest), 2)

    shade = ""
    if band is not None and band[0] < band[1]:
        left, right = place(band[0]), place(band[1])
        shade = f"<span class='fp-band' style='left:{left}%;width:{right - left:.2f}%'></span>"
    spoken = f"score {score:.3f}, threshold {threshold:.3f}, on a scale from {lowest:.2g} to 1"
    return (
        f"<div class='fp-scale' role='img' aria-label='{spoken}'>"
        f"{_label('fp-above', place(score), f'score {score:.3f}')}"
        f"<span class='fp-end'>{lowest:.2g}</span>"
        f"<div class='fp-line'>{shade}"
        f"<span class='fp-fill' style='width:{place(score)}%'></span>"
        f"<span class='fp-tick' style='left:{place(threshold)}%'></span>"
        f"<span class='fp-dot' style='left:{place(score)}%'></span></div>"
        "<span class='fp-end'>1</span>"
        f"{_label('fp-below', place(threshold), f'threshold {threshold:.3f}')}</div>"
    )


def _label(side: str, place: float, words: str) -> str:
    # Shifted by its own share of the width, a label stays inside at both ends.
    style = f"left:{place}%;transform:translateX(-{place}%)"
    return f"<div class='{side}'><span style='{style}'>{words}</span></div>"
