"""``fingerprint gallery create``, ``remove``, ``rename`` and ``merge``."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.gallery.read import load
from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.model import open_extractor
from fingerprint_sdk.cli.shared.output import say
from fingerprint_sdk.cli.shared.place import file_only
from fingerprint_sdk.errors import GalleryError


class OnDuplicate(StrEnum):
    """What to do with a name that both galleries have."""

    error = "error"
    add = "add"


Name = Annotated[str, typer.Argument(help="Name of an entry.")]


def create(
    gallery: options.GalleryArgument,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
) -> None:
    """Make an empty gallery for one model. An existing file is left alone."""
    from fingerprint_sdk.gallery import Gallery

    if os.path.exists(gallery):
        raise GalleryError(f"{str(gallery)!r} exists: remove it, or choose another name")
    extractor = open_extractor(model, revision, device, offline, threads)
    with Gallery.changing(gallery, extractor, create=True):
        pass
    say(f"made {gallery} for model {extractor.name} {extractor.version}")


def remove(
    gallery: options.GalleryArgument,
    names: Annotated[list[str], typer.Argument(help="Names of entries.")],
) -> None:
    """Remove entries: all those named, or after an error none."""
    from fingerprint_sdk.gallery import Gallery

    with Gallery.changing(gallery) as known:
        for name in names:
            known.remove(name)
    say(f"removed {len(names)}, {len(known)} left in {gallery}")


def rename(gallery: options.GalleryArgument, name: Name, new_name: Name) -> None:
    """Rename an entry."""
    from fingerprint_sdk.gallery import Gallery

    with Gallery.changing(gallery) as known:
        known.rename(name, new_name)
    say(f"{name} is now {new_name} in {gallery}")


def merge(
    gallery: options.GalleryArgument,
    others: Annotated[
        list[Path],
        typer.Argument(parser=file_only, metavar="OTHERS", help="Galleries to take entries of."),
    ],
    on_duplicate: Annotated[
        OnDuplicate, typer.Option(help="A name both have is an error, or its images are added.")
    ] = OnDuplicate.error,
) -> None:
    """Add the entries of other galleries of the same model to GALLERY.

    [bold]Examples[/bold]

      fingerprint gallery merge known.fpg colleague.fpg
    """
    from fingerprint_sdk.gallery import Gallery

    with Gallery.changing(gallery) as known:
        for other in others:
            known.merge(load(other), on_duplicate=on_duplicate.value)
    say(f"{len(known)} entries in {gallery}")
