"""A dendrogram with bootstrap support at its branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scipy.cluster.hierarchy import leaves_list

from trainer.experiments.drawing import colour
from trainer.experiments.lineage.tree import Tree

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_dendrogram(tree: Tree, families: Mapping[str, str], bold: set[str]) -> Figure:
    """Leaves at the right, coloured by family; the names in `bold` are the base models.

    SciPy's own drawing cannot tell which merge a branch is, so support could not be written at it.
    """
    import matplotlib.pyplot as plt

    count = len(tree.names)
    figure, axes = plt.subplots(figsize=(9, 0.34 * count + 1.2), layout="constrained")
    heights, places = [0.0] * count, [0.0] * count
    for row, leaf in enumerate(leaves_list(tree.merges)):
        places[leaf] = float(row)
    span = float(tree.merges[-1, 2])
    for (left, right, height, _), support in zip(tree.merges, tree.support, strict=True):
        low, high = int(left), int(right)
        axes.plot(
            [heights[low], height, height, heights[high]],
            [places[low], places[low], places[high], places[high]],
            color="#57606a",
            lw=1.4,
        )
        middle = (places[low] + places[high]) / 2
        heights.append(float(height))
        places.append(middle)
        axes.annotate(
            f"{100 * support:.0f}",
            (height, middle),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=8,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},  # over a near branch
        )
    kinds = list(dict.fromkeys(families[name] for name in tree.names))
    for leaf, name in enumerate(tree.names):
        axes.text(
            -0.012 * span,
            places[leaf],
            name,
            color=colour(kinds.index(families[name])),
            weight="bold" if name in bold else "normal",
            fontsize=9,
            va="center",
        )
    axes.set_xlim(span * 1.06, -0.5 * span)
    axes.set_ylim(-0.7, count - 0.3)
    axes.set_yticks([])
    axes.set_xlabel("1 − cosine similarity of fingerprints; support in %", fontsize=9, loc="left")
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= span])
    axes.spines[["left", "right", "top"]].set_visible(False)
    handles = [
        plt.Line2D([], [], color=colour(k), lw=4, label=kind) for k, kind in enumerate(kinds)
    ]
    axes.legend(handles=handles, fontsize=9, frameon=False, loc="upper left")
    return figure
