"""What the built-in gallery is made of: its families, and every one of its files."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Family:
    """Generators that share an image decoder, or its weights.

    Attributes:
        family: what the gallery calls it.
        members: the generators.
        since: when the first of them was published, e.g. "2024-08".
    """

    family: str
    members: tuple[str, ...]
    since: str


@dataclass(frozen=True)
class KnownFile:
    """An image that is enrolled, a row of `zoo/known.csv`.

    Attributes:
        family: a key of `zoo/known.toml`.
        source: of the image; each source of a family is an entry.
        file: its path below the folder of images.
        repository, commit, path: where it was published.
        format: in which it was published.
        crop: what was cut out of it, without any change of pixels.
        sha256: of `file`.
        licence: of the image.
    """

    family: str
    source: str
    file: str
    repository: str
    commit: str
    path: str
    format: str
    crop: str
    sha256: str
    licence: str


def read_families(path: Path) -> dict[str, Family]:
    """Families by their key, from a TOML file.

    Raises ValueError when it is not valid.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            key: Family(str(one["family"]), tuple(map(str, one["members"])), str(one["since"]))
            for key, one in tables.items()
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not describe families: {error!r}") from error


def read_manifest(path: Path) -> tuple[KnownFile, ...]:
    """The rows of a manifest, in their order.

    Raises ValueError when a column or a value is missing, or a file is named twice.
    """
    columns = [field.name for field in fields(KnownFile)]
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise ValueError(f"{path} lacks the columns {', '.join(sorted(missing))}")
        rows = []
        for row in reader:
            if not all(row[name] for name in columns if name != "crop"):
                raise ValueError(f"{path}, line {reader.line_num}: a value is missing")
            rows.append(KnownFile(**{name: row[name] for name in columns}))
    if len({row.file for row in rows}) != len(rows):
        raise ValueError(f"{path} names a file twice")
    return tuple(rows)


def checked(row: KnownFile, images: Path) -> Path:
    """The file of a row.

    Raises:
        FileNotFoundError: it is missing.
        ValueError: it is not the one that the manifest names.
    """
    path = images / row.file
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != row.sha256:
        raise ValueError(f"{path} has sha256 {found}, the manifest says {row.sha256}")
    return path
