"""Bundled and local models: how they are found, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fingerprint_sdk import zoo
from fingerprint_sdk.errors import IntegrityError, ModelError, ModelNotFoundError

WEIGHTS = b"not parsed here, only hashed"


def config(**changes: Any) -> dict[str, Any]:
    return {
        "name": "tiny",
        "version": "1.0",
        "license": "Apache-2.0",
        "description": "A test model",
        "window_size": 128,
        "embedding_size": 8,
        "recipe_hash": "0" * 16,
        "files": {
            "model.onnx": {"sha256": hashlib.sha256(WEIGHTS).hexdigest(), "size": len(WEIGHTS)}
        },
    } | changes


def write_model(folder: Path, description: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(WEIGHTS)
    (folder / "config.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", [str, Path])
def test_a_local_folder(tmp_path: Path, kind: type):
    folder = write_model(tmp_path / "model", config(extra_key="ignored"))
    found = zoo.resolve(kind(folder))
    assert found.path == folder / "model.onnx"
    assert found.source == "local"
    assert found.description == zoo.ModelDescription(
        name="tiny",
        version="1.0",
        license="Apache-2.0",
        description="A test model",
        window_size=128,
        embedding_size=8,
        recipe_hash="0" * 16,
        files={
            "model.onnx": zoo.FileInfo(hashlib.sha256(WEIGHTS).hexdigest(), len(WEIGHTS)),
        },
    )


def test_a_relative_folder_that_looks_like_a_hub_name(tmp_path: Path, monkeypatch):
    write_model(tmp_path / "owner" / "name", config())
    monkeypatch.chdir(tmp_path)
    assert zoo.resolve("owner/name").source == "local"


def test_a_bare_onnx_file_has_no_description_yet(tmp_path: Path):
    path = write_model(tmp_path, config()) / "model.onnx"
    assert zoo.resolve(path) == zoo.ResolvedModel(path, None, "local")


def test_every_bundled_model_is_intact_and_listed():
    listed = zoo.list_models()
    assert [model.name for model in listed] == sorted(model.name for model in listed)
    for model in listed:
        found = zoo.resolve(model.name)
        assert found.source == "bundled"
        assert found.description == model


def test_an_installed_package_uses_the_models_copied_into_it(tmp_path: Path):
    # As in a wheel: fingerprint_sdk/_zoo, with some other package's zoo/ beside it.
    package = Path(zoo.__file__).parents[1]
    ignore = shutil.ignore_patterns("__pycache__", "_zoo")
    shutil.copytree(package, tmp_path / "fingerprint_sdk", ignore=ignore)
    installed = write_model(tmp_path / "fingerprint_sdk" / "_zoo" / "tiny", config())
    write_model(tmp_path / "zoo" / "stranger", config())
    script = """
from fingerprint_sdk import errors, zoo
print([model.name for model in zoo.list_models()], zoo.resolve("tiny").path)
open(zoo.resolve("tiny").path, "ab").write(b"!")
try:
    zoo.resolve("tiny")
except errors.IntegrityError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    listing, refusal = done.stdout.splitlines()
    assert listing == f"['tiny'] {installed / 'model.onnx'}"
    assert "reinstall this package" in refusal


def test_none_means_the_default_model():
    if zoo.DEFAULT_MODEL not in [model.name for model in zoo.list_models()]:
        pytest.skip(f"the default model {zoo.DEFAULT_MODEL!r} is not in the zoo yet")
    assert zoo.resolve() == zoo.resolve(None) == zoo.resolve(zoo.DEFAULT_MODEL)


def test_an_unknown_name_lists_the_bundled_models():
    with pytest.raises(ModelNotFoundError, match="no-such-model") as caught:
        zoo.resolve("no-such-model")
    for model in zoo.list_models():
        assert model.name in str(caught.value)


@pytest.mark.parametrize("name", ["", "missing.onnx", "./missing", "a/b/c", "x" * 5000, "nul\0"])
def test_a_name_that_is_nothing(name: str):
    with pytest.raises(ModelNotFoundError):
        zoo.resolve(name)


def test_a_folder_without_a_description(tmp_path: Path):
    with pytest.raises(ModelNotFoundError, match=r"config\.json"):
        zoo.resolve(tmp_path)


def test_a_revision_is_only_for_the_hub(tmp_path: Path):
    folder = write_model(tmp_path, config())
    for local in (folder, folder / "model.onnx"):
        with pytest.raises(ModelError, match="revision 'main'"):
            zoo.resolve(local, revision="main")


def test_tampered_and_truncated_and_missing_files(tmp_path: Path):
    folder = write_model(tmp_path, config())
    model = folder / "model.onnx"
    model.write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(IntegrityError, match="sha256"):
        zoo.resolve(folder)
    model.write_bytes(WEIGHTS[:-1])
    with pytest.raises(IntegrityError, match=f"{len(WEIGHTS) - 1} bytes"):
        zoo.resolve(folder)
    model.unlink()
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        zoo.resolve(folder)


@pytest.mark.parametrize("key", list(config()))
def test_a_missing_key_is_named(tmp_path: Path, key: str):
    broken = config()
    del broken[key]
    with pytest.raises(ModelError, match=f"'{key}'"):
        zoo.resolve(write_model(tmp_path, broken))


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3},
        {"version": ""},
        {"license": None},
        {"window_size": "128"},
        {"window_size": 0},
        {"embedding_size": True},
        {"embedding_size": 8.0},
        {"files": []},
        {"files": {}},
        {"files": {"model.onnx": "abc"}},
        {"files": {"model.onnx": {"size": 1}}},
        {"files": {"model.onnx": {"sha256": "A" * 64, "size": 1}}},
        {"files": {"model.onnx": {"sha256": "a" * 64, "size": -1}}},
    ],
    ids=repr,
)
def test_a_value_of_the_wrong_kind(tmp_path: Path, change: dict[str, Any]):
    with pytest.raises(ModelError, match=r"config\.json"):
        zoo.resolve(write_model(tmp_path, config(**change)))


@pytest.mark.parametrize(
    "name", ["../model.onnx", "/etc/passwd", "a/b", "a\\b", "C:x", "..", ".", "", "a\n", "-rf"]
)
def test_a_file_name_cannot_leave_the_model_folder(tmp_path: Path, name: str):
    files = config()["files"]
    files[name] = {"sha256": "a" * 64, "size": 1}
    with pytest.raises(ModelError, match="plain name") as caught:
        zoo.resolve(write_model(tmp_path, config(files=files)))
    assert not isinstance(caught.value, IntegrityError)  # refused before the file is opened


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", b"null", b"[" * 100_000, b'"text"', b"NaN"]
)
def test_a_description_that_is_not_a_json_object(tmp_path: Path, text: bytes):
    folder = write_model(tmp_path, config())
    (folder / "config.json").write_bytes(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        zoo.resolve(folder)
