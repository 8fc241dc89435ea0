"""Points in the plane for readers: a matplotlib panel, and an interactive SVG of our own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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
_STYLE = """<style>
.map { display: flex; flex-wrap: wrap; gap: 1rem; position: relative; margin: .5rem 0 1.5rem; }
.map svg { flex: 0 1 35rem; min-width: 18rem; height: auto; border: 1px solid #d0d7de; }
.map path { stroke: #fff; stroke-width: .7; } .map path:hover { stroke: #000; stroke-width: 2; }
.map ul { list-style: none; margin: 0; padding: 0; }
.map > div { flex: 1 1 15rem; } .map .all { text-decoration: underline; }
.map button { font: inherit; font-size: .85rem; border: 0; background: none; padding: .1rem .3rem;
  cursor: pointer; text-align: left; display: flex; gap: .4rem; align-items: center; }
.map li button[aria-pressed=false] { opacity: .35; text-decoration: line-through; }
.map button svg { flex: none; width: 12px; min-width: 12px; border: 0; }
.map output { position: absolute; pointer-events: none; background: #1f2328; color: #fff;
  font-size: .85rem; padding: .15rem .5rem; border-radius: .3rem; white-space: nowrap; }
.map output:empty { display: none; }
</style>"""
_SCRIPT = """<script>(() => {
  const map = document.currentScript.previousElementSibling, tip = map.querySelector('output');
  const groups = [...map.querySelectorAll('g[data-group]')];
  const buttons = [...map.querySelectorAll('li button')];
  const show = (i, on) => {
    groups[i].style.display = on ? '' : 'none';
    buttons[i].setAttribute('aria-pressed', on);
  };
  buttons.forEach((b, i) => b.onclick = () => show(i, b.getAttribute('aria-pressed') !== 'true'));
  map.querySelector('.all').onclick = () => {
    const on = buttons.some(b => b.getAttribute('aria-pressed') !== 'true');
    buttons.forEach((b, i) => show(i, on));
  };
  map.onpointermove = event => {
    tip.textContent = event.target.dataset?.tip ?? '';
    const box = map.getBoundingClientRect(), x = event.clientX - box.left + 14;
    tip.style.left = Math.max(0, Math.min(x, box.width - tip.offsetWidth)) + 'px';
    tip.style.top = event.clientY - box.top + 16 + 'px';
  };
  map.onpointerleave = () => { tip.textContent = ''; };
})();</script>"""


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
) -> str:
    """HTML of a map: hovering a point shows its tip, the legend's buttons hide and show labels.

    Args:
        points: float, shape (n, 2).
        labels, tips: of each point; any text, escaped here.
        title: for readers who cannot see the map.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.maximum(high - low, 1e-12)
    places = 14 + (points - low) / span * (_SIDE - 28)
    places[:, 1] = _SIDE - places[:, 1]  # SVG counts downwards
    groups, legend = [], []
    for k, name in enumerate(dict.fromkeys(labels)):
        shape = _SHAPES[k // len(COLOURS) % len(_SHAPES)]
        marks = "".join(
            f'<path d="{shape}" transform="translate({x:.1f} {y:.1f})" data-tip="{escape(tip)}"/>'
            for (x, y), label, tip in zip(places, labels, tips, strict=True)
            if label == name
        )
        groups.append(f'<g data-group="{k}" fill="{colour(k)}">{marks}</g>')
        legend.append(
            f'<li><button type="button" aria-pressed="true"><svg viewBox="-6 -6 12 12" '
            f'aria-hidden="true"><path d="{shape}" fill="{colour(k)}"/></svg>'
            f"{escape(name)}</button></li>"
        )
    return (
        f'{_STYLE}\n<div class="map"><svg viewBox="0 0 {_SIDE} {_SIDE}" role="img" '
        f'aria-label="{escape(title)}">{"".join(groups)}</svg>\n'
        f'<div><button type="button" class="all">All or none</button><ul>{"".join(legend)}</ul>'
        "</div><output></output></div>\n" + _SCRIPT
    )
