"""What a pool of synthetic models holds: counts by axis, reconstruction errors, time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from fingerprint_sdk.text import visible
from trainer.synthesis.families import architecture_from_id
from trainer.synthesis.pool import pool_recipe, read_pool

AXES = ("blocks", "convolutions", "order", "upsampling", "activation", "normalisation", "width")
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
OTHER = "other"  # the wider family lacks some of the paper's axes


@dataclass(frozen=True)
class PoolSummary:
    """Figures of one pool.

    `axes` maps an axis of the paper's construction space to the number of models at each of its
    values; `seeds` maps a number of seeds to the number of architectures that have it;
    `errors` maps a quantile to the mean squared error on [-1, 1]; `under_floor` is the share of
    models below the recipe's η (None when the recipe has none); `other_recipes` counts the models
    whose recipe hash is not the pool's.
    """

    models: int
    architectures: int
    axes: dict[str, dict[str, int]]
    seeds: dict[int, int]
    errors: dict[float, float]
    under_floor: float | None
    total_seconds: float
    median_seconds: float
    recipe: dict[str, Any]
    other_recipes: int


def summarise_pool(pool: Path) -> PoolSummary:
    """Read every model's metadata; the weights stay on disk.

    Raises FileNotFoundError when `pool` holds no model, ValueError when a file is damaged.
    """
    entries = read_pool(pool)
    recipe = pool_recipe(pool)
    errors = np.array([entry.reconstruction_error for entry in entries])
    seconds = np.array([entry.seconds for entry in entries])
    per_architecture = Counter(entry.architecture for entry in entries)
    floor = recipe.get("floor")
    return PoolSummary(
        models=len(entries),
        architectures=len(per_architecture),
        axes=_count_axes(entry.architecture for entry in entries),
        seeds=dict(sorted(Counter(per_architecture.values()).items())),
        errors={q: float(np.quantile(errors, q)) for q in QUANTILES},
        under_floor=None if floor is None else float((errors < floor).mean()),
        total_seconds=float(seconds.sum()),
        median_seconds=float(np.median(seconds)),
        recipe=recipe,
        other_recipes=sum(entry.recipe_hash != recipe.get("recipe_hash") for entry in entries),
    )


def summary_table(summary: PoolSummary, title: str) -> Table:
    """The same figures for reading."""
    table = Table(title=Text(visible(title)), show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("models", f"{summary.models} of {summary.architectures} architectures")
    for count, architectures in summary.seeds.items():
        table.add_row("seeds", f"{count} each for {architectures} architectures")
    table.add_section()
    for axis, counts in summary.axes.items():
        table.add_row(axis, "  ".join(f"{value} {n}" for value, n in counts.items()))
    table.add_section()
    quantiles = "  ".join(f"{q:.0%} {value:.4g}" for q, value in summary.errors.items())
    table.add_row("error (MSE on [-1, 1])", quantiles)
    if summary.under_floor is not None:
        share = f"{summary.under_floor:.1%} under {summary.recipe['floor']:g}"
        table.add_row("η", share)
    cost = f"{summary.total_seconds:.0f} s in all, median {summary.median_seconds:.2f} s a model"
    table.add_row("time", cost)
    table.add_section()
    table.add_row("recipe", "  ".join(f"{k} {v}" for k, v in summary.recipe.items()))
    if summary.other_recipes:
        table.add_row("other recipes", f"{summary.other_recipes} models")
    return table


def _count_axes(ids: Iterable[str]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {axis: Counter() for axis in AXES}
    for text in ids:
        architecture = architecture_from_id(text)
        for axis in AXES:
            counts[axis][str(getattr(architecture, axis, OTHER))] += 1
    return {axis: dict(sorted(counter.items())) for axis, counter in counts.items()}
