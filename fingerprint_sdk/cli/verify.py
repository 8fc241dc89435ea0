"""``fingerprint verify``: same source or not?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import check_fmr, describe, open_extractor
from fingerprint_sdk.cli.shared.output import UNCERTAIN, note, print_json, print_pairs


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
    fmr: options.Fmr = None,
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

    Exit codes: 0 same source, 1 different sources, 2 error.

    [bold]Examples[/bold]

      fingerprint verify one.png other.png

      fingerprint verify folder_a/ folder_b/ --fmr 0.001

      fingerprint verify --a 1.png --a 2.png --b suspect.png
    """
    left, right = _sides(sides or [], a or [], b or [])
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_fmr(extractor, fmr)
    result = extractor.verify(left, right, fmr=fmr)
    if json:
        document = {
            "model": describe(extractor),
            "a": [str(path) for path in left],
            "b": [str(path) for path in right],
            **result.to_dict(),
        }
        print_json(document)
    else:
        answer = "same source" if result.same else "different sources"
        print(answer + (" (uncertain)" if result.uncertain else ""))
        print_pairs(
            [
                ("score", result.score),
                ("threshold", f"{result.threshold:.4f} at a false match rate of {result.fmr:g}"),
                ("probability", f"{result.probability:.4f} that the source is the same"),
                ("images", f"{result.images[0]} against {result.images[1]}"),
            ]
        )
        if result.copy:
            note("note: the side without lossy compression was compared as JPEG of quality 90")
        for path, quality in zip(left + right, result.quality, strict=True):
            if quality.flags:
                note(f"note: {path}: {', '.join(quality.flags)}")
        if result.uncertain:
            note(UNCERTAIN)
    raise typer.Exit(0 if result.same else 1)


def _sides(sides: list[Path], a: list[Path], b: list[Path]) -> tuple[list[Path], list[Path]]:
    if not (a or b) and len(sides) == 2:
        return expand(sides[:1]), expand(sides[1:])
    if a and b and not sides:
        return expand(a), expand(b)
    raise typer.BadParameter("give two sides, A B, or each with its option: --a IMAGE --b IMAGE")
