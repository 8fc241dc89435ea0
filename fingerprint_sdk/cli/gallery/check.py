"""``fingerprint gallery check``: what to expect of a gallery, and what in it looks wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import check_out
from fingerprint_sdk.cli.shared.model import BUILT_IN, describe, open_extractor, searched_gallery
from fingerprint_sdk.cli.shared.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from fingerprint_sdk.gallery.check import GalleryCheck


def check(
    gallery: options.AnyGallery = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="A page to write (.html), with a picture.")
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="False positive identification rate to look images up at.",
            show_default="the model's own, usually 0.01",
        ),
    ] = None,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Say what to expect of a gallery, and what in it looks wrong.

    Each image is taken out of its entry and looked up. Entries that cannot be told apart, images
    that look mislabelled or were enrolled twice, and odd formats are named.

    [bold]Examples[/bold]

      fingerprint gallery check mine.fpg --page mine.html
    """
    from fingerprint_sdk.embeddings_file import deliver
    from fingerprint_sdk.gallery.check.page import page as page_of

    if page is not None:
        check_out(page)
    extractor = open_extractor(model, revision, device, offline, threads)
    found = searched_gallery(gallery, extractor, known=False).check(fpir=fpir)
    if page is not None:
        deliver(page, page_of(found, gallery.name if gallery else BUILT_IN).encode())
        note(f"wrote {page}")
    if json:
        named = None if gallery is None else str(gallery)
        print_json({"model": describe(extractor), "gallery": named, **_plain(found)})
        return
    for sentence in found.summary:
        say(sentence)
    print_table(
        ("entry", "images", "own first", "right", "wrong", "more images"),
        [
            (entry.name, entry.images, *entry.rates.percents, entry.words)
            for entry in found.entries
        ],
    )
    for sentence in found.findings:
        say(f"- {sentence}")


def _plain(found: GalleryCheck) -> dict[str, object]:
    plain = found.to_dict()
    del plain["model"]  # told in full
    return plain
