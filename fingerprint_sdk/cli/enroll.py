"""``fingerprint enroll``: add images of one generator to a gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import expand
from fingerprint_sdk.cli.shared.model import open_extractor, open_gallery, put_entry, usable
from fingerprint_sdk.cli.shared.output import print_json, say
from fingerprint_sdk.documents import enroll_document


def enroll(
    name: Annotated[str, typer.Argument(help="Name of the generator.")],
    images: Annotated[list[Path], typer.Argument(help="Its images, and folders of its images.")],
    gallery: options.EnrolledGallery,
    notes: Annotated[str | None, typer.Option(help="Free text kept with the entry.")] = None,
    copies: options.Copies = True,
    recursive: options.Recursive = False,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Add images of one generator to a gallery, which is made if there is none.

    A name that is there already gets the images added to it.

    [bold]Examples[/bold]

      fingerprint enroll sdxl sdxl_images/ --gallery known.fpg
    """
    from fingerprint_sdk.gallery import Gallery

    found = expand(images, recursive)
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    open_gallery(gallery, extractor, create=True)  # or its errors, before the images are embedded
    paths, left_out = usable(found.images, on_error)
    new = Gallery(extractor)
    new.enroll(name, paths, copies=copies)
    entry = put_entry(gallery, extractor, name, new[name], notes)
    total = len(entry.embeddings)
    if json:
        document = enroll_document(
            extractor,
            gallery,
            name,
            entry,
            left_out,
            added=len(paths),
            passed_over=found.passed_over,
        )
        print_json(document)
    else:
        say(f"{name}: {len(paths)} images added, {total} in all, in {gallery}")
