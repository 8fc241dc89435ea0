"""A comparison as an experiment's page: Tables VIII and IX, the paper's figures beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.experiments.comparison.run import AS_IS, Comparison, MethodScores
from trainer.experiments.page import Experiment, Picture, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Identification accuracy and F1 (Table VIII), verification accuracy and AUC (Table IX), in %;
# classical models are the paper's seen ones, emerging models the unseen.
PAPER: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "marra": ((61.00, 55.01, 26.72, 22.33), (66.10, 68.99, 59.37, 59.46)),
    "yu": ((96.28, 96.27, 31.93, 30.67), (96.80, 99.27, 63.84, 68.97)),
    "dna-det": ((98.55, 98.55, 47.41, 46.60), (99.31, 99.94, 69.64, 77.54)),
    "repmix": ((94.34, 94.29, 26.63, 25.35), (99.15, 97.44, 61.09, 57.92)),
    "pose": ((98.93, 98.93, 49.80, 48.87), (98.76, 99.91, 66.94, 72.85)),
    "zero-shot": ((96.71, 96.70, 93.20, 93.11), (92.01, 96.90, 85.88, 92.66)),
    "fine-tuned": ((99.88, 99.89, 94.02, 93.97), (99.21, 99.93, 85.62, 92.55)),
}


def experiment(comparison: Comparison) -> Experiment:
    """The page of a comparison; its figures are `Comparison.to_dict`."""
    left_out = [f"Left out: {title}: {why}." for title, why in comparison.left_out.items()]
    identification = _table(
        comparison,
        0,
        "Table VIII: identification, %, ours beside the paper's",
        ("accuracy", "F1"),
        _identification,
    )
    verification = _table(
        comparison,
        1,
        "Table IX: verification, %, ours beside the paper's",
        ("accuracy at the best threshold", "AUC"),
        _verification,
    )
    split = comparison.split
    return Experiment(
        name="compare",
        title="Rivals and our model on seen and on unseen generators",
        reproduces="Tables VIII and IX, section IV-D",
        scale=_scale(comparison),
        figures=comparison.to_dict(),
        parts=[
            identification,
            verification,
            Picture(
                "unseen",
                "Identification accuracy and verification AUC; a diamond is the paper's figure.",
                _bars(comparison),
            ),
            *left_out,
            f"Seen generators: {', '.join(split.seen)}.",
            f"Unseen generators: {', '.join(split.unseen)}.",
            "The paper's figures are of other generators, with more images and longer training: "
            "compare the order of methods and the step from seen to unseen, not the numbers. "
            "Generators that share a decoder count as different models here.",
        ],
    )


def _scale(comparison: Comparison) -> str:
    split, recipe = comparison.split, comparison.recipe
    train = sum(map(len, split.train.values()))
    test = sum(map(len, split.seen.values())), sum(map(len, split.unseen.values()))
    budget = recipe.budget
    text = (
        f"{len(split.seen)} seen generators ({train} training and {test[0]} test images), "
        f"{len(split.unseen)} unseen ({test[1]} images), where the paper has 1,000 images a "
        f"generator; trained rivals took {budget.steps} steps of {budget.batch} crops of "
        f"{budget.side} px at width {budget.width}; {recipe.galleries} random galleries, "
        f"{recipe.pairs} pairs of either kind."
    )
    if recipe.processing != AS_IS:
        text += f" All images, those to learn from as well, are {recipe.processing}."
    return text if recipe.full else text + " --full trains near the papers' own scale (GPU)."


def _identification(scores: MethodScores) -> tuple[float, ...]:
    levels = [half.identification.model for half in (scores.seen, scores.unseen)]
    return tuple(x.value for level in levels for x in (level.accuracy, level.macro_f1))


def _verification(scores: MethodScores) -> tuple[float, ...]:
    halves = [half.verification.model for half in (scores.seen, scores.unseen)]
    return tuple(x for pairs in halves for x in (pairs.best_threshold_accuracy, pairs.auc.value))


def _table(comparison: Comparison, which: int, caption: str, names: tuple, values) -> Table:
    header = ["method"]
    for half in ("seen", "unseen"):
        for name in names:
            header += [f"{half}: {name}", "paper"]
    rows = []
    for name, scores in comparison.methods.items():
        paper = PAPER[name][which] if name in PAPER else ("–",) * 4
        row: list[object] = [scores.title]
        for ours, theirs in zip(values(scores), paper, strict=True):
            row += [100 * ours, theirs]
        rows.append(row)
    return Table(caption, header, rows)


def _bars(comparison: Comparison) -> Figure:
    import numpy as np
    from matplotlib.figure import Figure

    names = list(comparison.methods)
    figure = Figure(figsize=(11, 1.2 + 0.5 * len(names)), layout="constrained")
    places = np.arange(len(names))
    columns = (
        ("identification accuracy, %", 0, (0, 2), _identification),
        ("verification AUC, %", 1, (1, 3), _verification),
    )
    for axes, (label, which, cells, values) in zip(
        figure.subplots(1, 2, sharey=True), columns, strict=True
    ):
        for half, shift, colour, cell in zip(
            ("seen", "unseen"), (-0.2, 0.2), ("#8c959f", "#0969da"), cells, strict=True
        ):
            ours = [100 * values(comparison.methods[name])[cell] for name in names]
            axes.barh(places + shift, ours, 0.38, color=colour, label=half)
            known = [
                (i, PAPER[name][which][cell]) for i, name in enumerate(names) if name in PAPER
            ]
            axes.scatter(
                [value for _, value in known],
                [place + shift for place, _ in known],
                marker="D",
                s=22,
                color="#bc4c00",
                label="paper" if half == "unseen" else None,
                zorder=3,
            )
        axes.set(xlabel=label, xlim=(0, 102))
        axes.set_yticks(places, [comparison.methods[name].title for name in names])
        axes.grid(axis="x", alpha=0.3)
    figure.axes[0].invert_yaxis()
    figure.legend(*figure.axes[1].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure
