"""Fixtures shared by every test."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from support.cli_runner import Cli, write_generators
from support.tiny_model import (
    TINY_EMBEDDING_SIZE,
    TINY_METADATA,
    build_tiny_model,
    synthetic_image,
)

import fingerprint_sdk as fp

settings.register_profile("here", deadline=None)  # how long an example takes is no property
settings.load_profile("here")

KNOWN = (
    ("First decoder", ("A", "B"), "here"),
    ("First decoder", ("A", "B"), "there"),
    ("Second decoder", ("C",), "here"),
    ("Second decoder", ("C",), "there"),
    ("Fourth decoder", (), "here"),
)

LONGEST = ("test_whole_path.py", "ablation/test_run.py", "whole/test_inference_benchmark.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: last, one of them would keep one process busy by itself."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, so that sums are the same on every machine."""
    import torch  # here, since most tests need none

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real ``model.onnx`` of a few kilobytes."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model.onnx")


@pytest.fixture(scope="session")
def extractor(tiny_model_path: Path) -> fp.Extractor:
    return fp.load(tiny_model_path, device="cpu", threads=1)


@pytest.fixture(scope="session")
def other_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Same contract, other weights: a model whose embeddings must never meet the tiny one's."""
    return build_tiny_model(tmp_path_factory.mktemp("other") / "model.onnx", seed=1)


@pytest.fixture(scope="session")
def tiny_model_dir(tiny_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like ``zoo/<model>/``: model.onnx and the config.json that vouches for it."""
    folder = tmp_path_factory.mktemp("zoo") / "tiny"
    folder.mkdir()
    data = tiny_model_path.read_bytes()
    (folder / "model.onnx").write_bytes(data)
    config = {
        "name": TINY_METADATA["name"],
        "version": TINY_METADATA["version"],
        "license": TINY_METADATA["license"],
        "description": "A 4x4 DCT filter bank, for tests.",
        "window_size": 128,
        "embedding_size": TINY_EMBEDDING_SIZE,
        "recipe_hash": TINY_METADATA["recipe_hash"],
        "files": {
            "model.onnx": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)},
        },
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    return folder


@pytest.fixture(scope="session")
def known_model_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a built-in gallery: a family of two sources, and three more."""
    folder = tmp_path_factory.mktemp("known") / "tiny"
    shutil.copytree(tiny_model_dir, folder)
    gallery = fp.Gallery(fp.load(folder, device="cpu", threads=1))
    for place, (family, members, source) in enumerate(KNOWN):
        gallery.enroll(
            f"{family} / {source}",
            [synthetic_image(place // 2, 20 * (1 + place % 2) + number) for number in range(4)],
            copies=False,
            provenance=fp.Provenance(family, members, source, (("PNG", 4),), "since 2024-01"),
        )
    gallery.save(folder / "known.fpg")
    data = (folder / "known.fpg").read_bytes()
    config = json.loads((folder / "config.json").read_text())
    config["files"]["known.fpg"] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    return folder


@pytest.fixture(scope="session")
def sample_images() -> dict[str, list[np.ndarray]]:
    """Six pictures by each of three pretend generators: name -> uint8 (200, 260, 3) arrays."""
    return {f"source{s}": [synthetic_image(s, i) for i in range(6)] for s in range(3)}


@pytest.fixture
def sample_files(sample_images: dict[str, list[np.ndarray]], tmp_path: Path) -> list[Path]:
    """The same pictures as PNG files named ``source0_0.png`` and so on."""
    from PIL import Image

    paths = []
    for name, images in sample_images.items():
        for index, pixels in enumerate(images):
            paths.append(tmp_path / f"{name}_{index}.png")
            Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture
def gallery(extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]]) -> fp.Gallery:
    gallery = fp.Gallery(extractor)
    gallery.enroll("source0", sample_images["source0"][:4], notes="first", copies=False)
    gallery.enroll("source1", sample_images["source1"][:1], copies=False)
    return gallery


@pytest.fixture
def index(extractor: fp.Extractor, sample_files: list[Path]) -> fp.Index:
    return fp.Index.build(sample_files, model=extractor)


@pytest.fixture
def cli() -> Cli:
    return Cli()


@pytest.fixture
def model(tiny_model_dir: Path) -> list[str]:
    """Options that make a command use the tiny model."""
    return ["--model", str(tiny_model_dir), "--device", "cpu", "--threads", "1"]


@pytest.fixture
def generators(sample_images: dict[str, list[np.ndarray]], tmp_path: Path) -> Path:
    """A folder of PNG files for each of the three generators."""
    return write_generators(tmp_path / "generators", sample_images)
