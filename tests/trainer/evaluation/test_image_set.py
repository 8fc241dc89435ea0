"""Image sets: what is listed, which decoders, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="needs the trainer extra")

from support.cli_runner import write_generators
from support.tiny_model import synthetic_image

from trainer.evaluation import read_image_set


def write(folder: Path, images: int) -> Path:
    pictures = {f"source{s}": [synthetic_image(s, i) for i in range(images)] for s in range(3)}
    return write_generators(folder, pictures)


def test_an_image_set_lists_images_and_decoders(tmp_path: Path) -> None:
    image_set = write(tmp_path / "image_set", 2)
    (image_set / "README.md").write_text("notes")
    (image_set / ".cache").mkdir()
    (image_set / "source1" / "notes.txt").write_text("notes")
    found = read_image_set(image_set)
    assert list(found.images) == ["source0", "source1", "source2"]
    assert [path.name for path in found.images["source1"]] == ["0.png", "1.png"]
    assert found.decoders == {f"source{i}": f"source{i}" for i in range(3)}

    (tmp_path / "decoders.csv").write_text("model,decoder,basis\nsource0,vae,card\nother,x,\n")
    assert read_image_set(image_set).decoders["source0"] == "vae"
    (image_set / "decoders.csv").write_text("model,decoder\nsource0,inner\n")
    assert read_image_set(image_set).decoders["source0"] == "inner"
    assert read_image_set(image_set, tmp_path / "decoders.csv").decoders["source0"] == "vae"
    assert read_image_set(image_set, {"source2": "given"}).decoders == {
        "source0": "source0",
        "source1": "source1",
        "source2": "given",
    }


def test_bad_image_sets_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_image_set(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no folder of images"):
        read_image_set(tmp_path)
    image_set = write(tmp_path / "image_set", 1)
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"):
        read_image_set(image_set, tmp_path / "missing.csv")
    for content, message in (
        ("model,basis\na,b\n", "lacks a column"),
        ("", "lacks a column"),
        ("model,decoder\na,\n", "line 2: a model or decoder is missing"),
        ("model,decoder\na\n", "line 2: a model or decoder is missing"),
        ("model,decoder\na,b\na,c\n", "line 3: two decoders for 'a'"),
    ):
        (image_set / "decoders.csv").write_text(content)
        with pytest.raises(ValueError, match=message):
            read_image_set(image_set)
    (image_set / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        read_image_set(image_set)
