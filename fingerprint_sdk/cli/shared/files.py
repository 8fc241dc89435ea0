"""From what is typed on the command line to image files, and tables of embeddings to files."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.files import replacing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# File name endings of the formats fingerprint_sdk.images decodes. Only folders are filtered by
# them: a file named on the command line is always tried.
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif", ".bmp", ".gif"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx"}
)


def expand(paths: Iterable[Path]) -> list[Path]:
    """Replace each folder by the images directly in it, sorted by name.

    Raises:
        ImageError: a path does not exist, or a folder holds no image.
    """
    images: list[Path] = []
    for path in paths:
        images += images_in(path) if os.path.isdir(path) else [_existing(path)]
    return images


def images_in(folder: Path) -> list[Path]:
    """The image files directly in ``folder``, sorted; hidden files are left out."""
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        known = " ".join(sorted(SUFFIXES))
        raise ImageError(f"{str(folder)!r} has no image directly in it (looked for {known})")
    return found


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in ``folder``, sorted; hidden ones are left out."""
    if not folder.is_dir():
        raise ImageError(f"{str(folder)!r} is not a folder: give one with a folder per generator")
    found = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not found:
        raise ImageError(f"{str(folder)!r} has no folders in it: make one for each generator")
    return found


def write_embeddings(
    out: Path, paths: Sequence[str], embeddings: npt.NDArray[np.float32], model: dict[str, str]
) -> None:
    """Write the rows of ``embeddings`` (N, D) to ``out``, in the format its suffix names.

    ``.npz`` holds ``paths`` (N strings), ``embeddings`` (N, D) float32, ``model`` and
    ``model_version``; ``.npy`` only the matrix; ``.csv`` a row ``path, e0, e1, ...`` per image.
    """
    import numpy as np

    with replacing(out) as temporary, temporary.open("wb") as file:
        if out.suffix == ".npz":
            np.savez(
                file,
                paths=np.array(paths, dtype=np.str_),
                embeddings=embeddings,
                model=np.str_(model["name"]),
                model_version=np.str_(model["version"]),
            )
        elif out.suffix == ".npy":
            np.save(file, embeddings)
        else:
            _write_csv(file, paths, embeddings)


def _write_csv(file: IO[bytes], paths: Sequence[str], embeddings: npt.NDArray[np.float32]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    rows = csv.writer(text)
    rows.writerow(["path", *(f"e{i}" for i in range(embeddings.shape[1]))])
    for path, row in zip(paths, embeddings, strict=True):
        rows.writerow([path, *(str(value) for value in row)])
    text.flush()
    text.detach()


def _existing(path: Path) -> Path:
    if not os.path.exists(path):
        raise ImageError(f"{str(path)!r} does not exist: check the path")
    return path
