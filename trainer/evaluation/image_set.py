"""An image set: FOLDER/<model>/<image>, and which models share an image decoder."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.images.photos import SUFFIXES


@dataclass(frozen=True)
class ImageSet:
    """Images by known generators.

    Attributes:
        images: for each model, by rising name, the paths of its images, by rising name.
        decoders: for each model, the name of its image decoder; its own name when not known.
    """

    images: dict[str, tuple[Path, ...]]
    decoders: dict[str, str]


def read_image_set(folder: Path, decoders: Path | Mapping[str, str] | None = None) -> ImageSet:
    """List the images of a folder.

    Args:
        folder: one folder of images for each model. Hidden folders and other files are ignored.
        decoders: a CSV file with the columns ``model`` and ``decoder``, or the mapping itself.
            None for ``decoders.csv`` in the folder or beside it, if there is one.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: the folder has no model, a model has no image, or the CSV file is not valid.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give one with a folder for each model")
    images = {}
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        found = sorted(p for p in path.iterdir() if _is_image(p))
        if not found:
            raise ValueError(f"{path} holds no image: remove the folder, or add its images")
        images[path.name] = tuple(found)
    if not images:
        raise ValueError(f"{folder} holds no folder of images: make one for each model")
    if not isinstance(decoders, Mapping):
        decoders = _find_decoders(folder, decoders)
    return ImageSet(images, {model: decoders.get(model, model) for model in images})


def read_decoders(path: Path) -> dict[str, str]:
    """Model name -> decoder name, from a CSV file with these two columns.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column or an entry is missing, or a model has two decoders.
    """
    decoders: dict[str, str] = {}
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if not {"model", "decoder"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{path} lacks a column 'model' or 'decoder'")
        for row in reader:
            model, decoder = row["model"], row["decoder"]
            if not model or not decoder:
                raise ValueError(f"{path}, line {reader.line_num}: a model or decoder is missing")
            if decoders.setdefault(model, decoder) != decoder:
                raise ValueError(f"{path}, line {reader.line_num}: two decoders for {model!r}")
    return decoders


def _find_decoders(folder: Path, path: Path | None) -> dict[str, str]:
    if path is not None:
        return read_decoders(path)
    resolved = folder.resolve()
    for candidate in (resolved / "decoders.csv", resolved.parent / "decoders.csv"):
        if candidate.is_file():
            return read_decoders(candidate)
    return {}


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
