"""The experiment `robustness`: models side by side under every operation (paper, Fig. 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.evaluation import Estimate, read_image_set
from trainer.evaluation.identification import GALLERY_IMAGES
from trainer.experiments.drawing import colour
from trainer.experiments.embedding import describe, limited
from trainer.experiments.page import Experiment, Picture, Table
from trainer.experiments.robustness.sweep import OPERATIONS, Operation, Point, sweep
from trainer.progress import Progress, part_of, silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fingerprint_sdk import Extractor


def robustness_experiment(
    extractors: Mapping[str, Extractor],
    folder: Path,
    operations: Sequence[str] = (),
    *,
    limit: int | None = 15,
    fine: bool = False,
    galleries: int = 20,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Experiment:
    """Sweep operations over an image set for every model.

    Args:
        extractors: models, by the name that the page shows: an original and an immunised one, say.
        folder: see `trainer.evaluation.read_image_set`.
        operations: names from `OPERATIONS`; none for all of them.
        limit: images of each generator; None for all.
        fine: sweep the fine levels.
        galleries, seed, cache: see `trainer.experiments.robustness.sweep.sweep`.
        progress: told of the images embedded by each model.

    Raises:
        ValueError: an operation has no such name, or a generator has fewer than 11 images.
    """
    known = {operation.name: operation for operation in OPERATIONS}
    if unknown := sorted(set(operations) - set(known)):
        raise ValueError(f"no operation {unknown[0]!r}: choose from {', '.join(known)}")
    chosen = [known[name] for name in dict.fromkeys(operations)] or list(OPERATIONS)
    images = limited(read_image_set(folder).images, limit)
    for model, paths in images.items():
        if len(paths) <= GALLERY_IMAGES:
            raise ValueError(
                f"{model!r} has {len(paths)} images: {GALLERY_IMAGES} are enrolled and at least "
                "one more must be identified"
            )
    results = {
        name: sweep(
            extractor,
            images,
            chosen,
            fine=fine,
            galleries=galleries,
            seed=seed,
            cache=cache,
            progress=part_of(progress, name),
        )
        for name, extractor in extractors.items()
    }
    levels = sum(len(op.fine if fine else op.levels) for op in chosen)
    shown = "all images" if limit is None else f"at most {limit} images"
    return Experiment(
        "robustness",
        "Robustness to processing",
        "Fig. 16 and Appendix A",
        f"{shown} of each of {len(images)} generators of {folder.name}, {GALLERY_IMAGES} enrolled "
        f"and the others identified, {galleries} random galleries, {levels} levels of "
        f"{len(chosen)} operations (the paper: 1,000 images a generator, JPEG and crop-and-resize "
        "only); --full for every image and fine levels.",
        {
            "models": {name: describe(extractor) for name, extractor in extractors.items()},
            "image_set": str(folder),
            "images": {model: len(paths) for model, paths in images.items()},
            "galleries": galleries,
            "seed": seed,
            "points": {name: [asdict(p) for p in points] for name, points in results.items()},
        },
        [
            "Identification accuracy in %, on the same galleries and probes at every level. "
            "Solid: originals were enrolled and only the probes processed, as a user meets it. "
            "Dotted: the gallery was processed alike. Bands: 95 % of galleries.",
            Picture(
                "sweeps", "Identification accuracy after processing", _figure(results, chosen)
            ),
            _table(results),
        ],
    )


def _table(results: Mapping[str, Sequence[Point]]) -> Table:
    first = next(iter(results.values()))
    rows = []
    for k, point in enumerate(first):
        row: list[object] = [
            "as they are" if point.level is None else f"{point.operation} {point.level:g}"
        ]
        for points in results.values():
            row += [_text(points[k].probes), _text(points[k].both)]
        rows.append(row)
    columns = [f"{name}, {what}" for name in results for what in ("probes", "gallery too")]
    return Table(
        "Identification accuracy in %, with 95 % of galleries: probes processed, or gallery too",
        ("images", *columns),
        rows,
    )


def _text(estimate: Estimate) -> str:
    return (
        f"{100 * estimate.value:.1f} ({100 * (estimate.low or 0):.1f}–"
        f"{100 * (estimate.high or 0):.1f})"
    )


def _figure(results: Mapping[str, Sequence[Point]], chosen: Sequence[Operation]) -> Figure:
    import matplotlib.pyplot as plt

    columns = min(4, len(chosen))
    rows = -(-len(chosen) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(2.9 * columns, 2.7 * rows + 0.4),
        squeeze=False,
        layout="constrained",
        sharey=True,
    )
    for axes in grid.ravel()[len(chosen) :]:
        axes.set_axis_off()
    for operation, axes in zip(chosen, grid.ravel(), strict=False):
        for k, points in enumerate(results.values()):
            _draw(axes, operation, points, colour(k))
        axes.set_title(operation.name, fontsize=10)
        axes.set_xlabel(operation.unit, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.set_ylim(0, 102)
        axes.grid(alpha=0.3)
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy, %", fontsize=9)
    handles = [plt.Line2D([], [], color=colour(k), label=name) for k, name in enumerate(results)]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=9, frameon=False)
    return figure


def _draw(axes: Axes, operation: Operation, points: Sequence[Point], shade: str) -> None:
    """Evenly spaced levels, with the untouched images at the left or where they belong."""
    shown = [point for point in points if point.operation in ("none", operation.name)]
    if operation.both_ways:
        shown.sort(key=lambda point: 1.0 if point.level is None else point.level)
    places = range(len(shown))
    accuracy = [100 * point.probes.value for point in shown]
    axes.plot(places, accuracy, color=shade, marker="o", ms=4)
    axes.fill_between(
        places,
        [100 * (point.probes.low or 0) for point in shown],
        [100 * (point.probes.high or 0) for point in shown],
        color=shade,
        alpha=0.15,
        linewidth=0,
    )
    axes.plot(places, [100 * p.both.value for p in shown], color=shade, ls=":", marker=".", ms=4)
    axes.set_xticks(places, ["as is" if p.level is None else f"{p.level:g}" for p in shown])
