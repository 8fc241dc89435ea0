"""Heaps of images: folders in depth, and what is known of their generators."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from fingerprint_sdk.cli.shared.files import Found, look, passed_over_words, tell_passed_over
from fingerprint_sdk.errors import FingerprintError, ImageError


def heap(paths: Iterable[Path]) -> Found:
    """Replace each folder by the images anywhere in it, sorted; hidden ones are left out.

    What is passed over is told on stderr.

    Raises:
        ImageError: a path does not exist, or there is no image at all.
    """
    images: dict[Path, None] = {}  # dicts, to drop what is named twice
    passed_over: dict[Path, None] = {}
    for path in paths:
        if not os.path.exists(path):
            raise ImageError(f"{str(path)!r} does not exist: check the path")
        found = look(path, recursive=True) if path.is_dir() else Found([path], [])
        images |= dict.fromkeys(found.images)
        passed_over |= dict.fromkeys(found.passed_over)
    if not images:
        why = f" ({passed_over_words(list(passed_over))})" if passed_over else ""
        raise ImageError(
            f"there is no image in the folders given{why}: give folders of PNG, JPEG, WebP or "
            "other image files"
        )
    tell_passed_over(list(passed_over))
    return Found(list(images), list(passed_over))


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
