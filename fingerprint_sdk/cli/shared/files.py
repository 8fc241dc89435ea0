"""From what is typed on the command line to image files, and tables of embeddings to files."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fingerprint_sdk.cli.shared.output import note
from fingerprint_sdk.cli.shared.sniff import is_image, other_format
from fingerprint_sdk.errors import GalleryError, ImageError
from fingerprint_sdk.files import check_delivery, check_target, delivering, writing
from fingerprint_sdk.files.endings import SUFFIXES
from fingerprint_sdk.text import cell

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# What systems leave in every folder, and nobody misses; so are hidden files.
_UNMENTIONED = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_NAMED = 3  # files passed over that a message names


@dataclass(frozen=True)
class Found:
    """What folders hold.

    Attributes:
        images: the image files, sorted: known by their endings, or else by their first bytes.
        passed_over: the other files, sorted, but for hidden ones and those of the system.
    """

    images: list[Path]
    passed_over: list[Path]


def expand(paths: Iterable[Path], recursive: bool = False) -> Found:
    """Replace each folder by its images, sorted by name; what is passed over is told on stderr.

    Args:
        paths: files and folders.
        recursive: the images anywhere in a folder, not only those directly in it.

    Raises:
        ImageError: a path does not exist, or a folder holds no image.
    """
    images: list[Path] = []
    passed_over: list[Path] = []
    for path in paths:
        if os.path.isdir(path):
            found = images_in(path, recursive)
            images += found.images
            passed_over += found.passed_over
        else:
            images.append(_existing(path))
    tell_passed_over(passed_over)
    return Found(images, passed_over)


def images_in(folder: Path, recursive: bool = False) -> Found:
    """``look``, where there must be an image.

    Raises:
        ImageError: there is none.
    """
    found = look(folder, recursive)
    if not found.images:
        where = "in it or in its folders" if recursive else "directly in it"
        text = f"{str(folder)!r} has no image {where}"
        if found.passed_over:
            text += f": {passed_over_words(found.passed_over)}"
        if not recursive and any(_visible_folders(folder)):
            text += "; --recursive looks in its folders as well"
        raise ImageError(f"{text}. Give a folder of PNG, JPEG, WebP or other image files")
    return found


def look(folder: Path, recursive: bool = False) -> Found:
    """What ``folder`` holds, directly or with ``recursive`` in depth; hidden folders are left out.

    A folder in it that cannot be read is passed over.
    """
    images: list[Path] = []
    passed_over: list[Path] = []
    for path in _files(folder, recursive, passed_over):
        if path.name.startswith(".") or path.name.lower() in _UNMENTIONED:
            continue
        # What is no regular file, such as a pipe or a broken link, could block.
        # Files of other names are looked into; one named on the command line is always tried.
        usable = path.is_file() and (path.suffix.lower() in SUFFIXES or is_image(path))
        (images if usable else passed_over).append(path)
    return Found(sorted(images), sorted(passed_over))


def tell_passed_over(paths: Sequence[Path]) -> None:
    """Name the files passed over in one line on stderr, if there are any."""
    if paths:
        note(f"note: {passed_over_words(paths)}")


def passed_over_words(paths: Sequence[Path]) -> str:
    """``passed over 4 files that are no images we read: a.heic, b.txt, c.csv, ...``"""
    names = [path.name for path in paths[:_NAMED]] + ["..."] * (len(paths) > _NAMED)
    what = "file that is no image" if len(paths) == 1 else "files that are no images"
    hints = {found.hint for path in paths if (found := other_format(path)) is not None}
    told = f"passed over {len(paths)} {what} we read: {', '.join(names)}"
    return "; ".join([told, *sorted(hints)])


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in ``folder``, sorted; hidden ones are left out."""
    if not folder.is_dir():
        raise ImageError(f"{str(folder)!r} is not a folder: give one with a folder per generator")
    found = sorted(_visible_folders(folder))
    if not found:
        raise ImageError(f"{str(folder)!r} has no folders in it: make one for each generator")
    return found


def write_embeddings(
    out: Path, paths: Sequence[str], embeddings: npt.NDArray[np.float32], model: dict[str, str]
) -> None:
    """Write the rows of ``embeddings`` (N, D) to ``out``, in the format its suffix names.

    ``.npz`` holds ``paths`` (N strings), ``embeddings`` (N, D) float32, ``model`` and
    ``model_version``; ``.npy`` only the matrix; ``.csv``, or a pipe of any name, a row
    ``path, e0, e1, ...`` per image, with paths as ``text.cell`` has them.

    Raises:
        FingerprintError: it cannot be written; an older file is left as it was.
    """
    import numpy as np

    with writing(out), delivering(out) as file:
        if out.suffix == ".npz":
            np.savez(
                file,
                paths=np.array(paths, dtype=np.str_),
                embeddings=embeddings,
                model=np.str_(model["name"]),
                model_version=np.str_(model["version"]),
            )
        elif out.suffix == ".npy":
            # Not into the file: NumPy notices no full disk where its last bytes should go.
            content = io.BytesIO()
            np.save(content, embeddings)
            file.write(content.getbuffer())
        else:
            _write_csv(file, paths, embeddings)


def _write_csv(file: IO[bytes], paths: Sequence[str], embeddings: npt.NDArray[np.float32]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    rows = csv.writer(text)
    rows.writerow(["path", *(f"e{i}" for i in range(embeddings.shape[1]))])
    for path, row in zip(paths, embeddings, strict=True):
        rows.writerow([cell(path), *(str(value) for value in row)])
    text.flush()
    text.detach()


def check_out(path: Path) -> None:
    """Raise FingerprintError where no result can be written, before what takes long."""
    with writing(path):
        check_delivery(path)


def check_new(path: Path) -> None:
    """``check_out`` for a gallery or an index, which is no result to be piped."""
    with writing(path, GalleryError):
        check_target(path)


def _existing(path: Path) -> Path:
    if not os.path.exists(path):
        raise ImageError(f"{str(path)!r} does not exist: check the path")
    return path


def _visible_folders(folder: Path) -> Iterator[Path]:
    return (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _files(folder: Path, recursive: bool, unreadable: list[Path]) -> Iterator[Path]:
    """Everything in ``folder`` that is no folder; folders in it that cannot be read are added."""

    def failed(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        unreadable.append(Path(error.filename))

    for root, folders, files in os.walk(folder, onerror=failed):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        yield from (Path(root, name) for name in files)
