"""``fingerprint identify``: which known model made this?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import (
    check_fmr,
    embed_files,
    open_extractor,
    open_gallery,
    probes_document,
    skipped,
)
from fingerprint_sdk.cli.shared.output import (
    UNCERTAIN,
    note,
    print_attributes,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from fingerprint_sdk.verification import Identification


def identify(
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of images.")],
    gallery: options.GalleryFile,
    together: options.Together = False,
    top: Annotated[int, typer.Option(min=1, help="Candidates to report.")] = 5,
    fmr: options.Fmr = None,
    on_error: options.Skip = options.OnError.stop,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Which generator in the gallery made each image, if any?

    Images are looked up one by one.

    When all come from one generator, --together makes them one probe, which decides better.

    [bold]Examples[/bold]

      fingerprint identify suspect.png --gallery known.fpg

      fingerprint identify account/ --together --gallery known.fpg --json
    """
    paths = expand(images)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_fmr(extractor, fmr)
    known = open_gallery(gallery, extractor)
    embedded = embed_files(extractor, paths, on_error)
    count = len(embedded.indices)
    probes = [slice(0, count)] if together else [slice(i, i + 1) for i in range(count)]
    results = [
        (
            [paths[index] for index in embedded.indices[probe]],
            known.search(
                embedded.embeddings[probe],
                extractor.calibration,
                quality=embedded.quality[probe],
                fmr=fmr,
                top=top,
            ),
        )
        for probe in probes
    ]
    if json:
        document = probes_document(extractor, "gallery", gallery, results)
        print_json(document | {"skipped": skipped(embedded, paths)})
    elif len(results) == 1:
        _print_one(results[0][1])
    else:
        _print_many(results)


def _print_one(result: Identification) -> None:
    answer = f"source: {result.best}" if result.known else "source: not in this gallery"
    print(answer + (" (uncertain)" if result.uncertain else ""))
    columns = {
        "candidate": "name",
        "score": "score",
        "margin": "margin",
        "probability": "probability",
        f"threshold at FMR {result.fmr:g}": "threshold",
    }
    print_attributes(result.candidates, columns)
    if result.uncertain:
        note(UNCERTAIN)


def _print_many(results: list[tuple[list[Path], Identification]]) -> None:
    rows: list[tuple[Any, ...]] = []
    for files, result in results:
        first = result.candidates[0]
        flags = [flag for quality in result.quality for flag in quality.flags]
        notes = " ".join([*flags, *(["uncertain"] if result.uncertain else [])])
        rows.append(
            (files[0], result.best, first.name, first.score, first.threshold, first.margin, notes)
        )
    print_table(("image", "source", "nearest", "score", "threshold", "margin", "notes"), rows)
