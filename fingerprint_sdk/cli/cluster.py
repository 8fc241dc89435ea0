"""``fingerprint cluster``: group a heap of images by generator."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.heap import heap, truth_of
from fingerprint_sdk.cli.shared.model import describe, open_extractor
from fingerprint_sdk.cli.shared.output import (
    note,
    print_json,
    print_pairs,
    print_table,
    progress,
    say,
)


class MethodChoice(StrEnum):
    """How to group; see ``fingerprint_sdk.clustering``."""

    agglomerative = "agglomerative"
    hdbscan = "hdbscan"


def cluster(
    images: Annotated[
        list[Path], typer.Argument(help="Folders, searched in depth, and image files.")
    ],
    method: Annotated[
        MethodChoice,
        typer.Option(help="Average linkage at the threshold of --fmr, or density."),
    ] = MethodChoice.agglomerative,
    fmr: options.Fmr = None,
    min_images: Annotated[int, typer.Option(min=2, help="Smaller groups are no groups.")] = 2,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="folder|FILE.csv",
            help="Score against the folders' names, or a .csv file with columns path, label.",
        ),
    ] = None,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Which images of this heap share a generator? No gallery, no labels.

    Needs scikit-learn: pip install scikit-learn.

    [bold]Examples[/bold]

      fingerprint cluster downloads/

      fingerprint cluster generators/ --truth folder --json
    """
    from fingerprint_sdk.clustering import ALONE, memory_needed
    from fingerprint_sdk.clustering import cluster as group_images

    found = heap(images)
    paths = found.images
    known = None if truth is None else truth_of(paths, truth)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    if method is MethodChoice.agglomerative and (needed := memory_needed(len(paths))) >= 1e9:
        note(f"note: grouping {len(paths)} images takes up to {needed / 1e9:.1f} GB of memory")
    with progress(len(paths), "embedding") as moved:
        result = group_images(
            paths,
            model=extractor,
            method=method.value,
            fmr=fmr,
            min_images=min_images,
            on_error=on_error.value,
            progress=moved,
        )
    for failure in result.failures:
        note(f"skipped: {failure.error}")
    score = None if known is None else result.score(known)
    if json:
        document: dict[str, Any] = {
            "model": describe(extractor),
            "paths": [str(path) for path in paths],
            **result.to_dict(),
            "score": None if score is None else score.to_dict(),
            "passed_over": [str(path) for path in found.passed_over],
        }
        print_json(document)
        return
    rows: list[tuple[object, ...]] = []
    for number, group in enumerate(result.groups):
        rows += [(number, paths[place], result.strength[place]) for place in group]
    failed = {failure.index for failure in result.failures}
    alone = [i for i, label in enumerate(result.labels) if label == ALONE and i not in failed]
    why = [quality.unfit if quality is not None else None for quality in result.quality]
    rows += [(why[i] or "alone", paths[i], None) for i in alone]
    print_table(("group", "image", "strength"), [(str(r[0]), *r[1:]) for r in rows])
    say(f"{len(result.groups)} groups, {len(alone)} images in none")
    if score is not None:
        print_pairs((name.replace("_", " "), value) for name, value in score.to_dict().items())
