"""``fingerprint explain``: see why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.declaration import print_declaration
from fingerprint_sdk.cli.shared.files import check_out
from fingerprint_sdk.cli.shared.model import check_rates, describe, open_extractor
from fingerprint_sdk.cli.shared.output import note, print_json, say
from fingerprint_sdk.cli.shared.place import file_only


def explain(
    image: Annotated[Path, typer.Argument(help="The image.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="A page to write (.html), or a folder for page and PNGs."
        ),
    ],
    other: Annotated[
        Path | None, typer.Argument(help="A second one, to verify the first against.")
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            "-g",
            parser=file_only,
            metavar="PATH",
            help="Known generators to compare with.",
        ),
    ] = None,
    fmr: options.Fmr = None,
    fnmr: options.Fnmr = None,
    fpir: options.Fpir = None,
    fnir: options.Fnir = None,
    prior: options.Prior = 0.5,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    show_prompts: options.ShowPrompts = False,
    json: options.Json = False,
) -> None:
    """Show what a fingerprint is taken from, and what a decision rests on.

    Residual, spectrum and its profile, agreement of the windows, and nearest known generators.

    Needs matplotlib: pip install matplotlib.

    [bold]Examples[/bold]

      fingerprint explain suspect.png --gallery known.fpg --out why.html

      fingerprint explain one.png other.png --out why/
    """
    from fingerprint_sdk.explanation import explain as explain_images
    from fingerprint_sdk.gallery import Gallery

    if out.suffix.lower() in (".html", ".htm"):
        check_out(out)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_rates(extractor, fmr, fnmr, prior)
    check_rates(extractor, fpir, fnir)
    known = None if gallery is None else Gallery.load(gallery, extractor)
    explanation = explain_images(
        image,
        other,
        known,
        model=extractor,
        fmr=fmr,
        fnmr=fnmr,
        fpir=fpir,
        fnir=fnir,
        prior=prior,
    )
    written = explanation.save(out, show_prompts)
    if json:
        document = explanation.to_dict(show_prompts) | {"model": describe(extractor)}
        print_json(document | {"written": [str(path) for path in written]})
        return
    for sentence in explanation.summary:
        say(sentence)
    for path, view in zip((image, other), explanation.images, strict=False):
        named = path if len(explanation.images) > 1 else None
        print_declaration(named, view.declaration, view.fit, show_prompts)
    note(f"wrote {written[-1]}")
