"""``fingerprint identify``: which known model made this?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.answer import (
    identification_pairs,
    identified,
    tell_weak,
)
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import (
    check_rates,
    embed_files,
    open_extractor,
    open_gallery,
    probes_document,
    skipped,
)
from fingerprint_sdk.cli.shared.output import (
    print_attributes,
    print_json,
    print_pairs,
    print_table,
    say,
)

if TYPE_CHECKING:
    from fingerprint_sdk.identification import Identification


def _no_fmr(value: str | None) -> None:
    if value is not None:
        raise typer.BadParameter(
            "a false match rate is that of one comparison, and a gallery makes many: give the "
            "rate of the whole gallery, --fpir"
        )


OldFmr = Annotated[str | None, typer.Option("--fmr", hidden=True, callback=_no_fmr)]


def identify(
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of images.")],
    gallery: options.GalleryFile,
    recursive: options.Recursive = False,
    together: options.Together = False,
    top: Annotated[int, typer.Option(min=1, help="Candidates to report.")] = 5,
    fpir: options.Fpir = None,
    fnir: options.Fnir = None,
    prior: options.Prior = 0.5,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
    fmr: OldFmr = None,
) -> None:
    """Which generator in the gallery made each image, if any?

    Images are looked up one by one.

    When all come from one generator, --together makes them one probe, which decides better.

    Exit codes: 0 whatever the answers, 2 error, which no usable image is as well.

    [bold]Examples[/bold]

      fingerprint identify suspect.png --gallery known.fpg

      fingerprint identify account/ --together --gallery known.fpg --json
    """
    found = expand(images, recursive)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_rates(extractor, fpir, fnir, prior)
    known = open_gallery(gallery, extractor)
    embedded = embed_files(extractor, found.images, on_error)
    count = len(embedded.indices)
    probes = [slice(0, count)] if together else [slice(i, i + 1) for i in range(count)]
    results = [
        (
            [found.images[index] for index in embedded.indices[probe]],
            known.search(
                embedded.embeddings[probe],
                extractor.calibration,
                quality=embedded.quality[probe],
                fpir=fpir,
                fnir=fnir,
                prior=prior,
                top=top,
            ),
        )
        for probe in probes
    ]
    if json:
        document = probes_document(extractor, "gallery", gallery, results, found.passed_over)
        print_json(document | {"skipped": skipped(embedded, found.images)})
    elif len(results) == 1:
        _print_one(*results[0])
    else:
        _print_many(results)


def _print_one(files: list[Path], result: Identification) -> None:
    say(identified(result))
    say(result.words)
    print_pairs(identification_pairs(result))
    columns = {
        "candidate": "name",
        "score": "score",
        "margin": "margin",
        "likelihood ratio": "likelihood_ratio",
        "probability": "probability",
        "compared as": "copy",
    }
    if not result.reasons:
        print_attributes(result.candidates, columns)
    tell_weak(files, result.quality, result.images)


def _print_many(results: list[tuple[list[Path], Identification]]) -> None:
    rows: list[tuple[Any, ...]] = []
    for files, result in results:
        flags = [flag for quality in result.quality for flag in quality.flags]
        numbers = (result.score, result.threshold, result.missed, result.probability)
        rows.append((files[0], identified(result), *numbers, " ".join(flags)))
    columns = ("image", "answer", "score", "named from", "none below", "probability", "notes")
    print_table(columns, rows)
