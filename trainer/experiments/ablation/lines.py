"""What a variant scored, mean over its seeds: one line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.experiments.ablation.run import Result


@dataclass(frozen=True)
class Line:
    """A variant on one image set, mean over its seeds, in %.

    Intervals (value, low, high) are of galleries for `identification` and `decoder`, of a
    bootstrap over generators for `auc` and `fnmr`, each averaged over the seeds. `spread` is the
    standard deviation of the identification accuracy over the seeds, None for one seed.
    """

    label: str
    models: int
    parameters: int
    identification: tuple[float, float, float]
    decoder: tuple[float, float, float]
    macro_f1: float
    auc: tuple[float, float, float]
    best_threshold: float
    fnmr: tuple[float, float, float]
    set_auc: float
    held_out_auc: float | None
    spread: float | None
    seconds: float


def summarise(results: Sequence[Result], image_set: str) -> list[Line]:
    """The lines of one image set, in the order of the results."""
    labels = dict.fromkeys(result.label for result in results)
    return [_line([r for r in results if r.label == label], image_set) for label in labels]


def _line(results: Sequence[Result], image_set: str) -> Line:
    scores = [result.scores[image_set] for result in results]

    def estimate(*path: str) -> tuple[float, float, float]:
        found = []
        for values in scores:
            for name in path:
                values = values[name]
            ends = [
                values[k] if values[k] is not None else values["value"] for k in ("low", "high")
            ]
            found.append([100 * x for x in (values["value"], *ends)])
        value, low, high = np.mean(found, axis=0)
        return float(value), float(low), float(high)

    def mean(*path: str) -> float:
        found = []
        for values in scores:
            for name in path:
                values = values[name]
            found.append(100 * float(values))  # type: ignore[arg-type]
        return float(np.mean(found))

    accuracies = [100 * s["identification"]["model"]["accuracy"]["value"] for s in scores]
    low, high = np.mean([result.fnmr[image_set] for result in results], axis=0)
    held = [100 * r.held_out_auc for r in results if r.held_out_auc is not None]
    return Line(
        results[0].label,
        results[0].models,
        results[0].parameters,
        estimate("identification", "model", "accuracy"),
        estimate("identification", "decoder", "accuracy"),
        mean("identification", "model", "macro_f1", "value"),
        estimate("verification", "model", "auc"),
        mean("verification", "model", "best_threshold_accuracy"),
        (mean("verification", "model", "fnmr_at_fmr_1"), 100 * float(low), 100 * float(high)),
        mean("set_verification", "model", "auc", "value"),
        float(np.mean(held)) if held else None,
        float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None,
        float(np.mean([result.seconds for result in results])),
    )
