"""Heaps of images: folders in depth, and what is known of their generators."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from fingerprint_sdk.cli.shared.files import SUFFIXES
from fingerprint_sdk.errors import FingerprintError, ImageError


def heap(paths: Iterable[Path]) -> list[Path]:
    """Replace each folder by the images anywhere in it, sorted; hidden ones are left out.

    Raises:
        ImageError: a path does not exist, or there is no image at all.
    """
    found: dict[Path, None] = {}  # a dict, to drop what is named twice
    for path in paths:
        if not os.path.exists(path):
            raise ImageError(f"{str(path)!r} does not exist: check the path")
        found |= dict.fromkeys(_within(path) if path.is_dir() else [path])
    if not found:
        known = " ".join(sorted(SUFFIXES))
        raise ImageError(f"there is no image in the folders given (looked for {known})")
    return list(found)


def truth_of(paths: Sequence[Path], source: str) -> list[str | None]:
    """The true generator of each image, None if unknown.

    Args:
        paths: the images.
        source: "folder" for the name of the folder an image lies in, or a .csv file with the
            columns ``path`` (relative to the .csv file's folder) and ``label``.

    Raises:
        FingerprintError: the file cannot be read, or lacks a column.
    """
    if source == "folder":
        return [path.absolute().parent.name for path in paths]
    try:
        with open(source, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"path", "label"} - set(rows.fieldnames or ())
            if missing:
                raise FingerprintError(
                    f"{source!r} lacks the column {' and '.join(sorted(missing))}: its first line "
                    "must name path and label"
                )
            folder = Path(source).parent
            known = {_real(folder / (row["path"] or "")): row["label"] for row in rows}
    except (OSError, ValueError, csv.Error) as error:
        raise FingerprintError(
            f"cannot read the truth from {source!r}: give the word folder, or a .csv ({error})"
        ) from error
    return [known.get(_real(path)) or None for path in paths]


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _within(folder: Path) -> list[Path]:
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.is_file():
                found.append(path)
    return sorted(found)
