"""Points in the plane for readers: a matplotlib panel, and an interactive SVG of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from trainer.experiments.html import render

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by colour-blind readers too, without the pale yellow.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7a5195")
_MARKERS = ("o", "s", "^", "D")
_SHAPES = (  # the same four as SVG paths around the origin
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "M-4-4h8v8h-8z",
    "M0-5.2l5 9h-10z",
    "M0-5.6l5.6 5.6l-5.6 5.6l-5.6-5.6z",
)
_SIDE = 560


def scatter(axes: Axes, points: np.ndarray, labels: Sequence[str], title: str) -> None:
    """Draw points, shape (n, 2), with a colour and a marker for each label; no legend."""
    names = list(dict.fromkeys(labels))
    for k, name in enumerate(names):
        rows = np.flatnonzero([label == name for label in labels])
        axes.scatter(
            *points[rows].T, s=26, color=colour(k), marker=marker(k), label=name, linewidths=0.4,
            edgecolors="white",
        )  # fmt: skip
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    return _MARKERS[index // len(COLOURS) % len(_MARKERS)]


def interactive_map(
    points: np.ndarray, labels: Sequence[str], tips: Sequence[str], title: str
) -> Markup:
    """HTML of a map: hovering a point shows its tip, the legend's buttons hide and show labels.

    Args:
        points: float, shape (n, 2).
        labels, tips: of each point; any text.
        title: for readers who cannot see the map.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.maximum(high - low, 1e-12)
    places = 14 + (points - low) / span * (_SIDE - 28)
    places[:, 1] = _SIDE - places[:, 1]  # SVG counts downwards
    groups = [
        {
            "label": name,
            "colour": colour(k),
            "shape": _SHAPES[k // len(COLOURS) % len(_SHAPES)],
            "points": [
                (f"{x:.1f}", f"{y:.1f}", tip)
                for (x, y), label, tip in zip(places, labels, tips, strict=True)
                if label == name
            ],
        }
        for k, name in enumerate(dict.fromkeys(labels))
    ]
    return render("map.html", side=_SIDE, title=title, groups=groups)
