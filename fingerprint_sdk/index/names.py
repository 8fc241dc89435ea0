"""Names and file stamps of images on their way into an index."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.images import describe, is_single_image
from fingerprint_sdk.index.file import check_row_name
from fingerprint_sdk.stream import as_iterable

if TYPE_CHECKING:
    from fingerprint_sdk.images import ImageInput


def named(
    images: Iterable[ImageInput],
    names: Sequence[str] | None,
    taken: Container[object],
    used: list[str],
    stamps: list[tuple[int, int]],
) -> Iterator[ImageInput]:
    """``images``, noting the name and the stamp of each as it passes.

    Raises:
        GalleryError: a name is missing, invalid, given twice, or ``taken``.
    """
    if is_single_image(images):
        raise GalleryError("give a list of images, [image], not one image")
    seen: set[str] = set()
    for place, image in enumerate(as_iterable(images)):
        if names is not None:
            if place >= len(names):
                raise GalleryError(f"{len(names)} names were given for more images")
            name = names[place]
        elif isinstance(image, str | os.PathLike):
            name = os.fspath(image)
        else:
            raise GalleryError(f"{describe(image)} has no path to name it by: give names")
        check_row_name(name)
        if name in seen or name in taken:
            raise GalleryError(f"{name!r} is in the index already: remove it first")
        seen.add(name)
        used.append(name)
        stamps.append(file_stamp(image))
        yield image


def name_set(names: Iterable[str]) -> set[str]:
    """The different names. Raises GalleryError for what is no collection of them."""
    try:
        return set(names)
    except TypeError as error:
        raise GalleryError(f"give a list of names, not {names!r}") from error


def file_stamp(image: object) -> tuple[int, int]:
    """Size and time of change of a file, (-1, -1) for anything else."""
    if not isinstance(image, str | os.PathLike):
        return -1, -1
    try:
        status = os.stat(image)
    except (OSError, ValueError):
        return -1, -1
    return status.st_size, status.st_mtime_ns
