"""Find a fingerprint extractor and check that its files are the ones promised.

A model is a folder: ``config.json`` (the description, with the size and sha256 of every file)
and ``model.onnx``. It comes with the package, lies in a local folder, or lives on the Hugging
Face Hub. Whatever its source, each file is checked every time the model is resolved.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fingerprint_sdk.errors import ModelError, ModelNotFoundError
from fingerprint_sdk.zoo import hub
from fingerprint_sdk.zoo.description import (
    CONFIG_NAME,
    MODEL_NAME,
    ModelDescription,
    check_file,
    read_description,
)

DEFAULT_MODEL = "compact"
"""Name of the bundled model used when none is asked for."""


@dataclass(frozen=True)
class ResolvedModel:
    """A model found and checked.

    Attributes:
        path: the ONNX file.
        description: what ``config.json`` says; None for a bare ``.onnx`` file, which carries its
            description in its own metadata and has no promised hash to be checked against.
        source: ``"bundled"``, ``"local"`` or ``"hub:owner/name@commit"``.
        repo_id, commit: where on the Hub; None for a bundled or a local model.
    """

    path: Path
    description: ModelDescription | None
    source: str
    repo_id: str | None = None
    commit: str | None = None


@dataclass(frozen=True)
class CachedModel:
    """A model downloaded before: its place on the Hub, its folder, and its ``config.json``."""

    repo_id: str
    commit: str
    path: Path
    description: ModelDescription


def resolve(
    model: str | os.PathLike[str] | None = None,
    *,
    revision: str | None = None,
    offline: bool | None = None,
) -> ResolvedModel:
    """Find ``model`` and check the size and SHA-256 of its files.

    Args:
        model: None for the bundled default, the name of a bundled model, a folder that holds
            ``config.json`` and ``model.onnx``, a bare ``.onnx`` file, or ``"owner/name"`` on the
            Hub. A bundled name comes before a folder of the same name (write ``./name`` for the
            folder), and a folder before a Hub repository of the same name unless ``revision``
            is given.
        revision: Hub only. A full commit hash pins the model: once cached, it is used without
            any network call. A branch, a tag or None is *not* pinned: each call asks the Hub
            for its present commit, and later calls may get other weights.
        offline: True never touches the network. None and False leave that to the environment
            variable ``HF_HUB_OFFLINE``.

    Raises:
        ModelNotFoundError: no such model, or it is not cached and the Hub is out of reach.
        IntegrityError: a file is not the one promised.
        ModelError: the description is invalid, or ``revision`` is given for a local model.
    """
    try:
        name = DEFAULT_MODEL if model is None else os.fspath(model)
        Path(name)
    except TypeError as error:
        raise ModelNotFoundError(f"give a model's name or path, not {model!r}") from error
    is_text = model is None or isinstance(model, str)
    bundled = _bundled() if is_text else {}
    if name in bundled:
        return _local(bundled[name], "bundled", revision)
    if is_text and hub.is_repo_id(name) and (revision is not None or not os.path.exists(name)):
        return _from_hub(name, revision, offline=bool(offline))
    path = Path(name)
    if os.path.isdir(path):
        return _local(path, "local", revision)
    if os.path.isfile(path) and path.suffix == ".onnx":
        _refuse_revision(name, revision)
        return ResolvedModel(path, None, "local")
    raise ModelNotFoundError(
        f"no model {name!r}: give a bundled name ({', '.join(bundled) or 'none is installed'}), "
        f"a folder with {CONFIG_NAME} and {MODEL_NAME}, an .onnx file, or owner/name on the Hub"
    )


def list_models() -> tuple[ModelDescription, ...]:
    """Descriptions of the bundled models, by name. Their files are not hashed here."""
    return tuple(read_description(folder / CONFIG_NAME) for folder in _bundled().values())


def list_cached() -> tuple[CachedModel, ...]:
    """The models of this package in the Hub's cache, by name; other models' folders are passed by.

    No network is used, and no file is hashed. A model of which a file is missing is left out.
    """
    found = []
    for repo_id, commit, folder in hub.cached_snapshots():
        try:
            description = read_description(folder / CONFIG_NAME)
        except ModelError:  # some other model, whose config.json means something else
            continue
        if all((folder / name).is_file() for name in description.files):
            found.append(CachedModel(repo_id, commit, folder, description))
    return tuple(sorted(found, key=lambda model: (model.repo_id, model.commit)))


def _bundled() -> dict[str, Path]:
    package = Path(__file__).parents[1]
    # In a wheel the models are copied into the package; an editable install has the repository.
    root = next((r for r in (package / "_zoo", package.parent / "zoo") if r.is_dir()), None)
    if root is None:
        return {}
    return {f.name: f for f in sorted(root.iterdir()) if (f / CONFIG_NAME).is_file()}


def _local(folder: Path, source: str, revision: str | None) -> ResolvedModel:
    _refuse_revision(str(folder), revision)
    description = read_description(folder / CONFIG_NAME)
    remedy = "reinstall this package" if source == "bundled" else "copy or export the model again"
    for name, promised in description.files.items():
        check_file(folder / name, promised, remedy)
    return ResolvedModel(folder / MODEL_NAME, description, source)


def _from_hub(repo_id: str, revision: str | None, *, offline: bool) -> ResolvedModel:
    config = hub.fetch(repo_id, CONFIG_NAME, revision, offline=offline)
    # The cache keeps a snapshot under its commit, so a moving branch is resolved only once here
    # and all files come from the same commit.
    commit = config.parent.name
    description = read_description(config)
    for name, promised in description.files.items():
        path = hub.fetch(repo_id, name, commit, offline=offline)
        check_file(path, promised, f"delete {path.resolve()} and run again to download it anew")
    path = config.parent / MODEL_NAME
    return ResolvedModel(path, description, f"hub:{repo_id}@{commit}", repo_id, commit)


def _refuse_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise ModelError(
            f"revision {revision!r} was given for the local model {name!r}: only models on the "
            "Hub (owner/name) have revisions"
        )
