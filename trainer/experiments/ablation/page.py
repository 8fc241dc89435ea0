"""An ablation as an experiment's page: a table an image set, and bars or curves of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.experiments.ablation.curves import draw_curves, fit_power_law
from trainer.experiments.ablation.lines import Line, summarise
from trainer.experiments.ablation.run import Result
from trainer.experiments.ablation.variants import Variant
from trainer.experiments.page import Experiment, Picture, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER_MODELS = 5760


def experiment(
    question: str,
    title: str,
    reproduces: str,
    scale: str,
    variants: Sequence[Variant],
    results: Sequence[Result],
    notes: Sequence[str] = (),
) -> Experiment:
    """The page of a question; its figures are the lines, the recipes and every score."""
    image_sets = list(results[0].scores)
    lines = {image_set: summarise(results, image_set) for image_set in image_sets}
    papers = {variant.label: variant.paper for variant in variants if variant.paper}
    parts: list[Any] = [_table(image_set, lines[image_set], papers) for image_set in image_sets]
    curve = [variant for variant in variants if variant.x is not None]
    figures: dict[str, Any] = {
        "question": question,
        "lines": {image_set: [asdict(line) for line in rows] for image_set, rows in lines.items()},
        "recipes": {
            v.label: asdict(v.recipe)
            | {"kept": v.kept, "source": v.source, "windows": v.windows, "pooled": v.pooled}
            for v in variants
        },
        "results": [asdict(result) for result in results],
    }
    if len(curve) > 1 and question in _AXES:
        by_label = {
            image_set: {line.label: line for line in rows} for image_set, rows in lines.items()
        }
        x = [float(v.x) for v in curve if v.x is not None]
        series = {
            image_set: [found[v.label] for v in curve] for image_set, found in by_label.items()
        }
        parts.append(
            Picture(
                "curves",
                "Error against the cause, both on logarithmic axes; bars are 95 % intervals.",
                draw_curves(x, series, _AXES[question]),
            )
        )
        if question == "size" and len(x) > 2:
            fits = {image_set: _predictions(x, rows) for image_set, rows in series.items()}
            figures["fits"] = fits
            parts.append(_fit_table(fits))
    else:
        parts.append(Picture("bars", "Bars are means, whiskers 95 % intervals.", _bars(lines)))
    parts += notes
    parts.append(
        "Identification: interval over random galleries; AUC and FNMR: over resampled generators. "
        "All lines meet the same images, galleries and pairs. No interval holds what another "
        "training would give: repeat --seed for that. The paper's figures are of other generators "
        "and of a larger network: compare the order of lines, not numbers."
    )
    return Experiment(f"ablate-{question}", title, reproduces, scale, figures, parts)


_AXES = {
    "size": "synthetic models trained on",
    "reconstruction": "reconstruction error of the models (median of the class)",
}


def _table(
    image_set: str, lines: Sequence[Line], papers: Mapping[str, tuple[float, float]]
) -> Table:
    header = [
        "variant", "models", "identification [decoder]", "macro-F1", "AUC", "best threshold",
        "FNMR at FMR 1 %", "AUC, 5 a side", "held-out AUC",
    ]  # fmt: skip
    spread = any(line.spread is not None for line in lines)
    header += ["± over seeds"] * spread
    if papers:
        header += ["paper: identification", "paper: AUC"]
    rows = []
    for line in lines:
        row: list[object] = [
            line.label,
            line.models,
            f"{_interval(line.identification)} [{line.decoder[0]:.1f}]",
            line.macro_f1,
            _interval(line.auc),
            line.best_threshold,
            _interval(line.fnmr),
            line.set_auc,
            "–" if line.held_out_auc is None else line.held_out_auc,
        ]
        row += ["–" if line.spread is None else line.spread] * spread
        if papers:
            row += papers.get(line.label, ("–", "–"))
        rows.append(row)
    return Table(f"{image_set}: scores in %, 95 % intervals in brackets", header, rows)


def _interval(values: tuple[float, float, float]) -> str:
    return f"{values[0]:.1f} ({values[1]:.1f}–{values[2]:.1f})"


def _predictions(x: Sequence[float], rows: Sequence[Line]) -> dict[str, dict[str, float]]:
    measures = {
        "identification": [100 - row.identification[0] for row in rows],
        "AUC": [100 - row.auc[0] for row in rows],
    }
    return {name: fit_power_law(x, errors, PAPER_MODELS) for name, errors in measures.items()}


def _fit_table(fits: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    rows = [
        [image_set, name, fit["exponent"], fit["spread"], 100 - fit["error"]]
        for image_set, measures in fits.items()
        for name, fit in measures.items()
    ]
    header = (
        "image set",
        "score",
        "exponent",
        "± of the exponent",
        f"at {PAPER_MODELS:,} models, %",
    )
    return Table(
        "Error ∝ models^exponent, fitted to the curves; the last column extrapolates it and holds "
        "only as far as the line does",
        header,
        rows,
        digits=2,
    )


def _bars(lines: Mapping[str, Sequence[Line]]) -> Figure:
    from matplotlib.figure import Figure

    labels = [line.label for line in next(iter(lines.values()))]
    height = 1.2 + (0.16 + 0.17 * len(lines)) * len(labels)
    figure = Figure(figsize=(11, height), layout="constrained")
    columns = (("identification, %", "identification"), ("verification AUC, %", "auc"))
    thick = 0.8 / len(lines)
    for axes, (title, measure) in zip(figure.subplots(1, 2, sharey=True), columns, strict=True):
        for i, (image_set, rows) in enumerate(lines.items()):
            values = np.array([getattr(row, measure) for row in rows])
            places = np.arange(len(rows)) + (i - (len(lines) - 1) / 2) * thick
            whiskers = np.abs(values[:, 1:] - values[:, :1]).T
            axes.barh(
                places, values[:, 0], thick * 0.9, xerr=whiskers, label=image_set, ecolor="#57606a"
            )
        axes.set(xlabel=title, xlim=(0, 100))
        axes.set_yticks(range(len(labels)), labels, fontsize=9)
        axes.grid(axis="x", alpha=0.3)
    figure.axes[0].invert_yaxis()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
