"""The page of kernels and the maps they make (Fig. 6)."""

from __future__ import annotations

import numpy as np

from trainer.experiments.analysis.kernels import KernelSpectra, draw_kernels, mirroring
from trainer.experiments.page import Experiment, Picture, Table


def kernels_page(groups: dict[str, list[KernelSpectra]], scale: str) -> Experiment:
    """Fig. 6: `groups` maps an architecture to its models."""
    figures, rows, parts = {}, [], []
    for number, (name, models) in enumerate(groups.items()):
        found = {"map": mirroring(models, gain=False), "gain": mirroring(models, gain=True)}
        figures[name] = {
            key: {"own": m.own.tolist(), "other_mean": float(m.other.mean())}
            for key, m in found.items()
        }
        for key, m in found.items():
            values = (np.median(m.own), m.own.min(), m.own.max(), np.median(m.other))
            rows.append((f"{name}: {key}", m.own.size, *map(float, values)))
        # The paper shows a channel of its choice; ours is the median one.
        strength = found["map"].own[:2].mean(axis=0)
        channel = int(np.argsort(strength)[len(strength) // 2])
        caption = f"{name}, output channel {channel}, the median one of {len(strength)} (Fig. 6)."
        parts.append(Picture(f"{number}", caption, draw_kernels(models[:2], channel)))
    return Experiment(
        "kernels",
        "Kernels of the last layer and the maps they make",
        "Fig. 6",
        scale,
        figures,
        [
            Table(
                "Correlation of log spectra, over all frequencies but zero: a channel's kernels "
                "with its own map, or with the layer's gain (map over inputs); and the same with "
                "that channel's map in another model of the architecture.",
                (
                    "model: against",
                    "channels",
                    "own, median",
                    "lowest",
                    "highest",
                    "other, median",
                ),
                rows,
                digits=2,
            ),
            *parts,
        ],
    )
