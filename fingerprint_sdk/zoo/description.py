"""A model's ``config.json``: reading it, and checking files against what it promises."""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fingerprint_sdk.errors import IntegrityError, ModelError, ModelNotFoundError

CONFIG_NAME = "config.json"
MODEL_NAME = "model.onnx"
KNOWN_NAME = "known.fpg"

# A plain file name: no folder, so no way out of the model's own folder.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileInfo:
    """What a description promises about one file: its SHA-256 (hex) and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class ModelDescription:
    """The content of a model's ``config.json``.

    ``golden``, which not every model has, are the first values of its embedding of a fixed
    picture; ``fingerprint models verify`` compares them.
    """

    name: str
    version: str
    license: str
    description: str
    window_size: int
    embedding_size: int
    recipe_hash: str
    files: Mapping[str, FileInfo]
    golden: tuple[float, ...] | None = None


def check_file(path: Path, promised: FileInfo, remedy: str) -> None:
    """Raise IntegrityError, ending with ``remedy``, unless ``path`` is the file promised."""
    try:
        size = path.stat().st_size
        if size != promised.size:
            raise IntegrityError(
                f"{path} has {size} bytes, {CONFIG_NAME} promises {promised.size}: {remedy}"
            )
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IntegrityError(f"cannot read {path}: {error.strerror}: {remedy}") from error
    if sha256 != promised.sha256:
        raise IntegrityError(
            f"{path} has sha256 {sha256}, {CONFIG_NAME} promises {promised.sha256}: {remedy}"
        )


def read_description(path: Path) -> ModelDescription:
    """Read and validate the ``config.json`` at ``path``.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: it is not JSON, lacks a key, or holds a value of the wrong kind.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFoundError(
            f"{path.parent} is not a model folder: it has no {CONFIG_NAME}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path} as JSON: {error}") from error
    try:
        return _parse(config)
    except ValueError as error:
        raise ModelError(f"{path} is not a valid model description: {error}") from error


def _parse(config: object) -> ModelDescription:
    if not isinstance(config, dict):
        raise ValueError("it must be a JSON object")
    text = {
        key: _field(config, key, str, bool, "a non-empty string")
        for key in ("name", "version", "license", "description", "recipe_hash")
    }
    sizes = {
        key: _field(config, key, int, lambda value: value > 0, "a positive integer")
        for key in ("window_size", "embedding_size")
    }
    listed = _field(
        config, "files", dict, lambda value: MODEL_NAME in value, f"{MODEL_NAME} in it"
    )
    files = {}
    for name, entry in listed.items():
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(f"the file name {name!r} must be a plain name without folders")
        if not isinstance(entry, dict):
            raise ValueError(f"the entry of {name!r} must be an object with sha256 and size")
        is_hash = lambda value: _SHA256.fullmatch(value) is not None  # noqa: E731
        files[name] = FileInfo(
            sha256=_field(entry, "sha256", str, is_hash, "64 lower-case hex digits"),
            size=_field(entry, "size", int, lambda value: value > 0, "a positive integer"),
        )
    golden = _golden(config["golden"], sizes["embedding_size"]) if "golden" in config else None
    return ModelDescription(**text, **sizes, files=MappingProxyType(files), golden=golden)


def _golden(values: object, most: int) -> tuple[float, ...]:
    listed = values if isinstance(values, list) else []
    # JSON true is an int to Python.
    good = all(type(value) in (int, float) and -1 <= value <= 1 for value in listed)
    if not good or not 1 <= len(listed) <= most:
        raise ValueError(f"'golden' must be 1 to {most} numbers from -1 to 1")
    return tuple(float(value) for value in listed)


def _field(
    config: Mapping[str, Any], key: str, kind: type, holds: Callable[[Any], bool], what: str
) -> Any:
    value = config.get(key)
    # JSON true is an int to Python.
    if not isinstance(value, kind) or isinstance(value, bool) or not holds(value):
        raise ValueError(f"{key!r} must be {what}, not {reprlib.repr(value)}")
    return value
