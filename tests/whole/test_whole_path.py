"""From photographs to decisions, by the commands a user runs, on a toy budget.

Synthetic models, denoiser, extractor, ONNX file, scores, `fingerprint verify`: each is a process
of its own and sees only the files of the one before. The "generators" of the evaluation are
synthetic models of architectures and photographs that no step of the training has seen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support.photographs import photograph

from fingerprint_sdk import Extractor, Gallery, load
from trainer.extractor import held_out_models, load_run
from trainer.images.photos import load_photos
from trainer.known.build import promise
from trainer.synthesis import ModelId, load_model, paper288, read_pool

pytestmark = pytest.mark.slow

WIDTH = 8  # of the synthetic models
IMAGES = 14  # of each generator


def run(module: str, *arguments: object, codes: tuple[int, ...] = (0,)) -> str:
    """stdout of a command; with one thread, so that it is the same on every machine."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in codes, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def write_photos(folder: Path, start: int, count: int) -> Path:
    """Photographs large enough to be shrunk and to give the calibration's crops."""
    folder.mkdir()
    for index in range(start, start + count):
        photograph(index, 420, 400).save(folder / f"photo{index}.png")
    return folder


def toy_architectures() -> tuple[list[str], list[str]]:
    """Ids of eight architectures to train on and of six that training holds out."""
    ids = [a.id for a in paper288(WIDTH)]
    held = held_out_models([ModelId("pool", i, 0) for i in ids], 0.1)
    held_ids = [i for i, h in zip(ids, held, strict=True) if h]
    kept = [i for i, h in zip(ids, held, strict=True) if not h]
    return kept[:: len(kept) // 8][:8], held_ids[::4][:6]


@dataclass(frozen=True)
class Workshop:
    """What the commands made so far: photographs, 28 synthetic models, denoiser, test images."""

    photos: Path
    pool: Path
    denoiser: Path
    generators: Path


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("workshop")
    photos = write_photos(root / "photos", 0, 24)
    kept, held = toy_architectures()
    synthesize = ("trainer.cli", "synthesize", "--steps", 8, "--workers", 1, "--photos")
    run(*synthesize, photos, "--out", root / "pool", "--architectures", ",".join(kept + held),
        "--seeds", 2)  # fmt: skip
    run(
        *("trainer.cli", "denoiser", "--photos", photos, "--out", root / "denoiser"),
        *("--steps", 60, "--student-steps", 200, "--student-crops", 40, "--depth", 4),
        *("--width", 8, "--student-width", 8, "--batch", 4, "--side", 48),
    )
    others = write_photos(root / "others", 500, 6)
    unseen = [i for i in (a.id for a in paper288(WIDTH)) if i not in kept + held]
    names = ",".join(unseen[:: len(unseen) // 4][:4])
    run(*synthesize, others, "--out", root / "sources", "--architectures", names, "--seeds", 1)
    render_generators(root / "sources", others, root / "generators")
    return Workshop(photos, root / "pool", root / "denoiser", root / "generators")


def render_generators(pool: Path, photos: Path, out: Path) -> None:
    """PNG files of 160 px, each by a synthetic model, of photographs kept for this."""
    loaded = load_photos(photos, side=160)
    for number, entry in enumerate(read_pool(pool)):
        crops = loaded.crops(IMAGES, 160, np.random.default_rng(number))
        images = load_model(pool, entry).render(torch.from_numpy(crops))[:, 0]
        (out / f"generator{number}").mkdir(parents=True)
        for index, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
            Image.fromarray(image).save(out / f"generator{number}" / f"{index}.png")


def test_from_photographs_to_a_decision(workshop: Workshop, tmp_path: Path) -> None:
    entries = read_pool(workshop.pool)
    assert len(entries) == 28
    student = workshop.denoiser / "student" / "weights.safetensors"
    assert json.loads((workshop.denoiser / "denoiser.json").read_text())["ratio"] > 0

    out = tmp_path / "run"
    training = ("--pool", workshop.pool, "--photos", workshop.photos, "--out", out)
    training += ("--denoiser", student, "--images", 8, "--blocks", 3, "--photographs", 200)
    printed = run("trainer.cli", "extractor", *training)
    assert str(out) in printed.replace("\n", "")
    for name in ("run.json", "network.safetensors"):
        assert (out / name).stat().st_size > 0
    assert len(list((out / "heads").glob("*/network.safetensors"))) == 5
    finished = load_run(out)
    assert finished.info["models"] == 28
    assert finished.info["pools"] == [str(workshop.pool)]
    before = (out / "network.safetensors").read_bytes()
    run("trainer.cli", "extractor", *training)  # finished: nothing to do, nothing changed
    assert (out / "network.safetensors").read_bytes() == before

    model = tmp_path / "toy"
    exporting = ("export-onnx", out, "--photos", workshop.photos, "--out", model)
    run("trainer.cli", *exporting, "--models", 8, "--settings", 1)
    made_by = json.loads((model / "run.json").read_text())
    assert made_by["pools"] == ["pool"]  # no path of this machine
    assert made_by["recipe"] == finished.info["recipe"]
    assert made_by["calibration"]["models"] == 8
    assert made_by["calibration"]["cohort"]["settings"] == 1
    assert {path.name for path in model.iterdir()} == {"model.onnx", "config.json", "run.json"}
    config = json.loads((model / "config.json").read_text())
    assert config["name"] == "toy"
    assert config["recipe_hash"] == finished.info["recipe_hash"]

    again_calibrated(model, workshop, tmp_path / "again")

    scores = tmp_path / "scores.json"
    printed = run(
        *("trainer.cli", "evaluate", "--model", model, "--images", workshop.generators),
        *("--out", scores, "--galleries", 5, "--pairs", 300),
    )
    assert "generators" in printed
    results = json.loads(scores.read_text())["generators"]
    assert results["images"] == {f"generator{i}": IMAGES for i in range(4)}
    assert results["model"]["sha256"] == config["files"]["model.onnx"]["sha256"]
    # Four generators: chance is 0.25, and 0.5 for the AUC.
    assert results["identification"]["model"]["accuracy"]["value"] > 0.6
    assert results["verification"]["model"]["auc"]["value"] > 0.75
    assert results["set_verification"]["model"]["auc"]["value"] > 0.85

    first, second = workshop.generators / "generator0", workshop.generators / "generator1"
    sides = [("--a", first / "0.png", "--b", first / "1.png"), (first, second)]
    for side, images in zip(sides, ([1, 1], [IMAGES, IMAGES]), strict=True):
        command = ("fingerprint_sdk", "verify", *side, "--model", model, "--json")
        answer = json.loads(run(*command, codes=(0, 1, 3)))
        assert answer["model"]["name"] == "toy"
        assert answer["images"] == images
        assert answer["verdict"] in ("same", "different", "inconclusive")
        if answer["verdict"] == "same":
            assert answer["score"] >= answer["threshold"]
        assert (answer["likelihood_ratio"] > 1) == (answer["probability"] > 0.5)
    assert (
        answer["verdict"] != "same"
    )  # fourteen images of one generator against fourteen of another


def again_calibrated(model: Path, workshop: Workshop, copy: Path) -> None:
    """By the same models and photographs, and then by fewer models."""
    shutil.copytree(model, copy)
    image = next(workshop.generators.glob("*/*.png"))
    known = Gallery(Extractor.from_file(copy / "model.onnx"))
    known.enroll("one", image, copies=False)
    known.save(copy / "known.fpg")
    promise(copy, "known.fpg")
    command = ("trainer.cli", "recalibrate", copy, "--pool", workshop.pool, "--settings", 1)
    command += ("--photos", workshop.photos, "--version", "2.0.0", "--models")
    run(*command, 8)
    before, after = Extractor.from_file(model / "model.onnx"), load(copy)
    assert (before.version, after.version) == ("1.0.0", "2.0.0")
    same = {"calibration", "cohort", "recipe_hash", "constant", "license", "name"}
    assert {key: after.metadata[key] for key in same} == {k: before.metadata[k] for k in same}
    np.testing.assert_array_equal(before.embed(image), after.embed(image))
    kept = Gallery.load(copy / "known.fpg", after)
    np.testing.assert_array_equal(kept["one"].embeddings, known["one"].embeddings)
    run(*command, 5)
    fewer = load(copy)
    assert fewer.metadata["calibration"] != before.metadata["calibration"]
    assert json.loads((copy / "run.json").read_text())["calibration"]["models"] == 5
    np.testing.assert_array_equal(before.embed(image), fewer.embed(image))


def test_the_papers_recipe_runs(workshop: Workshop, tmp_path: Path) -> None:
    """Two steps of a ResNet-50 on DnCNN residuals of a few models."""
    pool = tmp_path / "pool"
    for entry in read_pool(workshop.pool)[::7]:
        (pool / entry.architecture).mkdir(parents=True, exist_ok=True)
        (pool / entry.file).write_bytes((workshop.pool / entry.file).read_bytes())
    out = tmp_path / "run"
    run(
        *("trainer.cli", "extractor", "--recipe", "paper", "--pool", pool),
        *("--photos", workshop.photos, "--out", out, "--steps", 2, "--images", 4),
        *("--denoiser", workshop.denoiser / "dncnn" / "weights.safetensors"),
    )
    assert (out / "losses.png").stat().st_size > 0
    finished = load_run(out)
    assert finished.info["method"] == "paper"
    assert finished.info["models"] == 4
    assert finished.network.embedding == 2048
    weights = load_file(out / "network.safetensors")
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert int(weights["stem.0.num_batches_tracked"]) == 2
