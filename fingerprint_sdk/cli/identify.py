"""``fingerprint identify``: who made this?"""

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
from fingerprint_sdk.cli.shared.declaration import print_declaration
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import (
    check_rates,
    embed_files,
    open_extractor,
    searched_gallery,
    skipped,
)
from fingerprint_sdk.cli.shared.output import (
    print_attributes,
    print_json,
    print_pairs,
    print_table,
    say,
)
from fingerprint_sdk.documents import identify_document

if TYPE_CHECKING:
    from fingerprint_sdk.declaration import Agreement, Declaration
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
    gallery: options.SearchedGallery = None,
    known: options.Known = False,
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
    show_prompts: options.ShowPrompts = False,
    json: options.Json = False,
    fmr: OldFmr = None,
) -> None:
    """Who made each image? A family of generators that share an image decoder, or none known.

    Images are looked up one by one in the built-in gallery, or in one of your own.

    When all come from one generator, --together makes them one probe, which decides better.

    Exit codes: 0 whatever the answers, 2 error, which no usable image is as well.

    [bold]Examples[/bold]

      fingerprint identify suspect.png

      fingerprint identify suspect.png --gallery mine.fpg --known

      fingerprint identify account/ --together --gallery mine.fpg --json
    """
    from fingerprint_sdk.explanation.declarations import declarations_of
    from fingerprint_sdk.gallery.probes import search_probes

    found = expand(images, recursive)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_rates(extractor, fpir, fnir, prior)
    searched = searched_gallery(gallery, extractor, known=known)
    embedded = embed_files(extractor, found.images, on_error)
    answers = search_probes(
        searched,
        extractor,
        embedded,
        together=together,
        fpir=fpir,
        fnir=fnir,
        prior=prior,
        top=top,
    )
    results = [([found.images[place] for place in places], result) for places, result in answers]
    said = [declarations_of(files, result, searched) for files, result in results]
    if json:
        document = identify_document(
            extractor,
            gallery,
            results,
            said,
            skipped(embedded, found.images),
            known=known,
            private=show_prompts,
            passed_over=found.passed_over,
        )
        print_json(document)
        return
    if len(results) == 1:
        _print_one(*results[0])
        for file, one in zip(results[0][0], said[0], strict=True):
            print_declaration(file if len(said[0]) > 1 else None, *one, show_prompts)
    else:
        _print_many(results, [one for [one] in said])


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


def _print_many(
    results: list[tuple[list[Path], Identification]],
    said: list[tuple[Declaration | None, Agreement | None]],
) -> None:
    columns = ["image", "answer", "score", "named from", "none below", "probability", "notes"]
    told = any(declaration for declaration, _ in said)
    if told:
        columns.append("what the file declares")
    rows: list[tuple[Any, ...]] = []
    for (files, result), (_, agreement) in zip(results, said, strict=True):
        flags = [flag for quality in result.quality for flag in quality.flags]
        numbers = (result.score, result.threshold, result.missed, result.probability)
        row = (files[0], identified(result), *numbers, " ".join(flags))
        rows.append((*row, _fit(agreement)) if told else row)
    print_table(columns, rows)


def _fit(agreement: Agreement | None) -> str:
    """``ChatGPT: agrees``; empty for a file that declares no generator and no camera."""
    if agreement is None or agreement.about == "nothing":
        return ""
    return f"{agreement.declared}: {agreement.fit}"
