"""Robustness: identification after processing, against plain loops, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the trainer extra")

from support.cli_runner import write_generators
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

import fingerprint_sdk as fp
from trainer.cli import app
from trainer.evaluation.identification import score_identification
from trainer.experiments.embedding import Change, embed_generators
from trainer.experiments.robustness.sweep import OPERATIONS, sweep


@pytest.fixture(scope="module")
def image_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = {f"s{s}": [synthetic_image(s, i, 128, 128) for i in range(12)] for s in range(3)}
    return write_generators(tmp_path_factory.mktemp("robustness") / "image_set", pictures)


@pytest.fixture(scope="module")
def images(image_set: Path) -> dict[str, list[Path]]:
    return {f"s{s}": [image_set / f"s{s}" / f"{i}.png" for i in range(12)] for s in range(3)}


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def test_processed_probes_meet_the_original_gallery() -> None:
    rng = np.random.default_rng(0)
    centres = np.linalg.qr(rng.standard_normal((16, 16)))[0][:4]
    clean = {f"m{k}": unit(c + 0.2 * rng.standard_normal((14, 16))) for k, c in enumerate(centres)}
    moved = {name: unit(rows + 0.5 * centres[0]) for name, rows in clean.items()}
    names = {name: name for name in clean}
    got = score_identification(clean, names, probes=moved, galleries=3, seed=5)
    hits: list[bool] = []
    for seed in (5, 6, 7):
        generator = np.random.default_rng(seed)
        orders = {name: generator.permutation(14) for name in clean}
        gallery = {name: unit(clean[name][orders[name][:10]].mean(axis=0)) for name in clean}
        for name in clean:
            for probe in moved[name][orders[name][10:]]:
                best = max(gallery, key=lambda other: float(gallery[other] @ probe))
                hits.append(best == name)
    assert got.model.accuracy.value == pytest.approx(np.mean(hits))
    assert got.model.accuracy.value < 1
    same = score_identification(clean, names, probes=clean, galleries=3, seed=5)
    assert same == score_identification(clean, names, galleries=3, seed=5)


def test_embeddings_are_of_the_changed_pixels_and_kept(
    images: dict[str, list[Path]], tiny_model_path: Path, tmp_path: Path
) -> None:
    from PIL import Image

    extractor = fp.load(tiny_model_path)
    calls = []

    def double(pixels: np.ndarray) -> np.ndarray:
        return np.repeat(pixels[:, ::2], 2, axis=1)

    def apply(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        calls.append(int(rng.integers(1 << 30)))
        return double(pixels)

    change = Change("double", apply)
    first = embed_generators(extractor, images, change, cache=tmp_path)
    assert len(set(calls)) == 36  # each image has its own random numbers
    expected = extractor.embed([double(np.asarray(Image.open(path))) for path in images["s1"]])
    np.testing.assert_allclose(first["s1"], expected, atol=1e-6)
    again = embed_generators(extractor, images, change, cache=tmp_path)
    assert len(calls) == 36  # nothing was embedded anew
    np.testing.assert_array_equal(first["s2"], again["s2"])
    plain = embed_generators(extractor, images, cache=tmp_path)
    assert not np.allclose(plain["s1"], first["s1"], atol=1e-3)
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_level_gives_an_image_that_can_be_embedded(operation) -> None:
    picture = synthetic_image(0, 0, 150, 140)
    for level in {*operation.levels, *operation.fine}:
        out = operation.apply(picture, level, np.random.default_rng(0))
        assert out.dtype == np.uint8
        assert out.ndim == 3
        assert min(out.shape[:2]) >= 60
        assert not np.array_equal(out, picture)


def test_a_sweep_judges_every_level_on_the_same_images(
    images: dict[str, list[Path]], tiny_model_path: Path
) -> None:
    extractor = fp.load(tiny_model_path)
    chosen = [operation for operation in OPERATIONS if operation.name in ("jpeg", "blur")]
    points = sweep(extractor, images, chosen, galleries=4)
    assert [(p.operation, p.level) for p in points] == [
        ("none", None), ("jpeg", 95), ("jpeg", 85), ("jpeg", 70), ("jpeg", 50),
        ("blur", 0.5), ("blur", 1.0),
    ]  # fmt: skip
    assert points[0].probes == points[0].both
    assert points[0].probes.value == 1  # the textures differ
    # A model without training for it does not know blurred images by sharp ones.
    assert points[-1].probes.value < 0.9 < points[-1].both.value


def test_the_command_compares_models(
    image_set: Path, tmp_path: Path, tiny_model_path: Path, other_model_path: Path
) -> None:
    command = [
        "robustness",
        "--images",
        str(image_set),
        "--out",
        str(tmp_path),
        "--galleries",
        "2",
    ]
    command += ["--operation", "webp", "--model", str(tiny_model_path)]
    result = CliRunner().invoke(app, [*command, "--model", str(other_model_path)])
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "robustness.json").read_text())
    points = record["figures"]["points"]
    assert list(points) == [str(tiny_model_path), str(other_model_path)]
    assert [p["level"] for p in points[str(tiny_model_path)]] == [None, 90, 60]
    assert "at most 15 images" in record["scale"]
    assert (tmp_path / "robustness-sweeps.png").stat().st_size > 5000


def test_bad_requests_are_named(image_set: Path, tmp_path: Path, tiny_model_path: Path) -> None:
    command = ["robustness", "--images", str(image_set), "--out", str(tmp_path)]
    command += ["--model", str(tiny_model_path)]
    result = CliRunner().invoke(app, [*command, "--operation", "twirl"])
    assert result.exit_code == 2
    assert "no operation 'twirl': choose from jpeg, crop-resize" in result.output
    few = write_generators(tmp_path / "few", {"a": [synthetic_image(0, 0, 128, 128)]})
    command[2] = str(few)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "'a' has 1 images" in result.output
