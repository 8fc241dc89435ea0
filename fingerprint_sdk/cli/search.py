"""``fingerprint search``: which images of an index are like a probe?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import (
    check_rates,
    embed_files,
    open_extractor,
    probes_document,
    skipped,
)
from fingerprint_sdk.cli.shared.output import note, print_attributes, print_json

if TYPE_CHECKING:
    from fingerprint_sdk.index import SearchResult

IndexFile = Annotated[Path, typer.Option("--index", "-i", help="The index file (.fpi).")]


def search(
    probes: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    index: IndexFile,
    recursive: options.Recursive = False,
    together: options.Together = False,
    top: Annotated[int, typer.Option(min=1, help="Images to report.")] = 10,
    fmr: options.Fmr = None,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Which images of an index are most likely by the generator of this one?

    Each image is searched for by itself.

    When all come from one generator, --together makes them one probe, which decides better.

    [bold]Examples[/bold]

      fingerprint search suspect.png --index archive.fpi --top 20
    """
    from fingerprint_sdk.index import Index

    files = expand(probes, recursive)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_rates(extractor, fmr)
    known = Index.load(index, extractor)
    embedded = embed_files(extractor, files.images, on_error)
    count = len(embedded.indices)
    sides = [slice(0, count)] if together else [slice(i, i + 1) for i in range(count)]
    results = [
        (
            [files.images[place] for place in embedded.indices[side]],
            known.search(embedded.embeddings[side], top, fmr=fmr, quality=embedded.quality[side]),
        )
        for side in sides
    ]
    if json:
        document = probes_document(extractor, "index", index, results, files.passed_over)
        print_json(document | {"skipped": skipped(embedded, files.images)})
        return
    for paths, result in results:
        _print(paths, result)


def _print(side: Sequence[Path], result: SearchResult) -> None:
    title = str(side[0]) + (f" and {len(side) - 1} more" if len(side) > 1 else "")
    columns = {
        "image": "name",
        "score": "score",
        "likelihood ratio": "likelihood_ratio",
        "probability": "probability",
        f"threshold at FMR {result.fmr:g}": "threshold",
        "passes": "same",
    }
    print_attributes(result.matches, columns, title)
    for path, quality in zip(side, result.quality, strict=True):
        if quality.flags:
            note(f"note: {path}: {', '.join(quality.flags)}")
    if (chance := result.fmr * result.compared) >= 1:
        note(f"note: of {result.compared} images about {chance:.0f} may pass by chance")
