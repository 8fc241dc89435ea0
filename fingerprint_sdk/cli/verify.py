"""``fingerprint verify``: same generator or not?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.answer import VERIFIED, tell_weak, verification_pairs
from fingerprint_sdk.cli.shared.files import Found, expand
from fingerprint_sdk.cli.shared.model import check_rates, open_extractor
from fingerprint_sdk.cli.shared.output import note, print_json, print_pairs, say
from fingerprint_sdk.documents import verify_document

EXIT_CODES = {"same": 0, "different": 1, "inconclusive": 3}


def verify(
    sides: Annotated[
        list[Path] | None,
        typer.Argument(metavar="A B", help="Two sides: each an image, or a folder of images."),
    ] = None,
    a: Annotated[
        list[Path] | None, typer.Option("--a", help="Image or folder of side A; repeatable.")
    ] = None,
    b: Annotated[
        list[Path] | None, typer.Option("--b", help="Image or folder of side B; repeatable.")
    ] = None,
    recursive: options.Recursive = False,
    fmr: options.Fmr = None,
    fnmr: options.Fnmr = None,
    prior: options.Prior = 0.5,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Were two images, or two sets each by one model, made by the same model?

    All images of a side must come from one model; more images decide better.

    Exit codes: 0 same generator, 1 different generators, 3 inconclusive, 2 error.

    [bold]Examples[/bold]

      fingerprint verify one.png other.png

      fingerprint verify folder_a/ folder_b/ --fmr 0.001

      fingerprint verify --a 1.png --a 2.png --b suspect.png
    """
    left, right = _sides(sides or [], a or [], b or [], recursive)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_rates(extractor, fmr, fnmr, prior)
    result = extractor.verify(left.images, right.images, fmr=fmr, fnmr=fnmr, prior=prior)
    if json:
        passed_over = left.passed_over + right.passed_over
        print_json(
            verify_document(extractor, left.images, right.images, result, passed_over=passed_over)
        )
    else:
        say(VERIFIED[result.verdict])
        say(result.words)
        print_pairs(verification_pairs(result))
        if result.copy:
            note(f"note: the side without lossy compression was compared as {result.copy}")
        tell_weak(left.images + right.images, result.quality, sum(result.images))
        pictures = [quality.digest for quality in result.quality]
        if not set(pictures[: len(left.images)]).isdisjoint(pictures[len(left.images) :]):
            note(
                "note: both sides have the same picture: it has no vote where each side has "
                "others, and alone makes them alike"
            )
    raise typer.Exit(EXIT_CODES[result.verdict])


def _sides(
    sides: list[Path], a: list[Path], b: list[Path], recursive: bool
) -> tuple[Found, Found]:
    if not (a or b) and len(sides) == 2:
        return expand(sides[:1], recursive), expand(sides[1:], recursive)
    if a and b and not sides:
        return expand(a, recursive), expand(b, recursive)
    raise typer.BadParameter("give two sides, A B, or each with its option: --a IMAGE --b IMAGE")
