"""``fingerprint report``: who made this, on a page to attach."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.answer import identified
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import check_rates, describe, open_extractor
from fingerprint_sdk.cli.shared.output import note, print_json, print_pairs, progress, say


def report(
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of images.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write (.html).")],
    gallery: options.OwnGallery = None,
    known: options.Known = False,
    recursive: options.Recursive = False,
    together: options.Together = False,
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
) -> None:
    """Who made each image, as a report to attach: one page that loads nothing, and prints.

    It has the answer with its error rates, what the file declares, pictures of the evidence, the
    hashes of all files, the versions, the command that repeats it, and the limits.

    Needs matplotlib: pip install matplotlib.

    [bold]Examples[/bold]

      fingerprint report suspect.png --out report.html

      fingerprint report account/ --together --gallery mine.fpg --known --out report.html
    """
    from fingerprint_sdk.extras import need
    from fingerprint_sdk.files import check_delivery, writing
    from fingerprint_sdk.reporting import report as report_of

    need("matplotlib", "plots", "drawing")
    found = expand(images, recursive)
    with writing(out):
        check_delivery(out)  # before all is computed
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    check_rates(extractor, fpir, fnir, prior)
    asked = {
        "--gallery": gallery,
        "--known": known,
        "--recursive": recursive,
        "--together": together,
        # As they are now, so that another version's own do not change the answer.
        "--fpir": extractor.calibration.default_fmr if fpir is None else fpir,
        "--fnir": extractor.calibration.default_fnmr if fnir is None else fnir,
        "--prior": prior,
        "--model": model or extractor.name,
        "--revision": revision,
        "--windows": windows,
        "--show-prompts": show_prompts,
        "--out": out,
    }
    with progress(len(found.images), "reporting") as moved:
        made = report_of(
            found.images,
            gallery,
            known=known,
            together=together,
            model=extractor,
            fpir=fpir,
            fnir=fnir,
            prior=prior,
            on_error=on_error.value,
            progress=moved,
            command=_command(images, asked),
        )
    for _, error in made.skipped:
        note(f"skipped: {error}")
    made.save(out, show_prompts)
    if json:
        document = {"model": describe(extractor), **made.to_dict(show_prompts)}
        more = {"written": str(out), "passed_over": [str(path) for path in found.passed_over]}
        print_json(document | more)
        return
    if len(made.probes) == 1:
        say(identified(made.probes[0].identification))
    else:
        answers = [(p.files[0].name, identified(p.identification)) for p in made.probes]
        print_pairs(answers)
    note(f"wrote {out}")


def _command(images: list[Path], asked: Mapping[str, object]) -> str:
    """What repeats the report, as a shell takes it."""
    # A name that begins like an option is none behind "./".
    named = [f"./{path}" if str(path).startswith("-") else str(path) for path in images]
    words = ["fingerprint", "report", *named]
    for option, value in asked.items():
        if value is True:
            words.append(option)
        elif value not in (None, False):
            words += [option, str(value)]
    return shlex.join(words)
