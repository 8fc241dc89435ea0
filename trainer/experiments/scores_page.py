"""The experiment `evaluate`: the paper's protocol on sets of images by real generators (IV-A)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainer.evaluation import Decisions, Estimate, Scores
from trainer.experiments.page import Experiment, Picture, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scores_experiment(results: Mapping[str, Scores]) -> Experiment:
    """What `trainer evaluate` found, by image set, as an experiment."""
    first = next(iter(results.values()))
    image_sets = [
        f"{name}: {sum(scores.images.values())} images by {len(scores.images)} generators"
        for name, scores in results.items()
    ]
    return Experiment(
        "evaluate",
        "Identification and verification of real generators",
        "Section IV-A, the rows “Ours (Only-Syn)” of Tables VIII and IX",
        f"{'; '.join(image_sets)}; {first.identification.galleries} random galleries, "
        f"{first.verification.model.genuine_pairs} pairs of either kind (the paper: 1,000 images "
        "a generator). Every image given is used; there is no larger scale.",
        {image_set: scores.to_dict() for image_set, scores in results.items()},
        [
            "In %, with 95 % intervals: over random galleries for identification, by a bootstrap "
            "over generators for AUC. Decoder level counts a probe as right when the predicted "
            "model has the right decoder.",
            _table(results),
            "“Best threshold” is the paper's accuracy: chosen on the pairs it is judged by, it "
            "flatters. The verdicts are what a user gets at the rates that ship with the model.",
            Picture("recall", "Share of each generator's probes identified", _figure(results)),
        ],
    )


def _table(results: Mapping[str, Scores]) -> Table:
    rows: list[list[object]] = []
    for image_set, scores in results.items():
        levels = scores.identification
        pairs, sets = scores.verification.model, scores.set_verification.model
        rows.append(
            [image_set, len(scores.images), _text(levels.model.accuracy),
             _text(levels.model.macro_f1), _text(levels.decoder.accuracy), _text(pairs.auc),
             100 * pairs.best_threshold_accuracy, *_decided(pairs.decisions), _text(sets.auc)]
        )  # fmt: skip
    return Table(
        "Scores in %",
        (
            "image set", "generators", "identification", "macro-F1", "decoder level",
            "verification AUC", "best threshold", "Cllr (Cllr_min), bits",
            "one model: same / different", "two models: same / different", "AUC, sets of 5",
        ),
        rows,
    )  # fmt: skip


def _decided(decisions: Decisions | None) -> tuple[str, str, str]:
    if decisions is None:
        return "–", "–", "–"
    one, two = (
        f"{100 * found.same:.1f} / {100 * found.different:.1f}"
        for found in (decisions.genuine, decisions.impostor)
    )
    return f"{decisions.cllr:.2f} ({decisions.cllr_min:.2f})", one, two


def _text(estimate: Estimate) -> str:
    value = f"{100 * estimate.value:.1f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


def _figure(results: Mapping[str, Scores]) -> Figure:
    import matplotlib.pyplot as plt

    tallest = max(len(scores.images) for scores in results.values())
    figure, grid = plt.subplots(
        1,
        len(results),
        figsize=(5.0 * len(results), 0.24 * tallest + 1),
        squeeze=False,
        layout="constrained",
    )
    for axes, (image_set, scores) in zip(grid[0], results.items(), strict=True):
        recall = sorted(scores.identification.recall.items(), key=lambda item: item[1])
        names = [name if len(name) < 42 else f"{name[:40]}…" for name, _ in recall]
        axes.barh(range(len(recall)), [100 * share for _, share in recall], color="#0072b2")
        axes.set_yticks(range(len(recall)), names, fontsize=8)
        axes.axvline(100 / len(recall), color="#d55e00", lw=1, ls="--")
        axes.set_xlim(0, 100)
        axes.set_title(f"{image_set} (dashed: chance)", fontsize=10)
        axes.set_xlabel("identified, %", fontsize=9)
        axes.tick_params(axis="x", labelsize=8)
    return figure
