"""`trainer analyse` and `trainer fidelity`, each run on a toy pool: JSON, pictures and page."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

pytest.importorskip("torch", reason="needs the trainer extra")

import torch
from PIL import Image
from safetensors.torch import save_file
from support.cli_runner import write_generators
from support.photographs import write_photographs
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

import trainer.cli
from trainer.cli import app
from trainer.cli.analyse.options import generator_recipe
from trainer.experiments.analysis import GeneratorRecipe
from trainer.experiments.page import made_by
from trainer.images.photos import load_photos
from trainer.synthesis import Architecture, PoolEntry, SynthesisRecipe, train_architecture

SMALL = ("--steps", 2, "--side", 32, "--width", 2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos"), 3)


@pytest.fixture(scope="module")
def pool(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 architectures of two seeds, solved in closed form."""
    out, loaded = tmp_path_factory.mktemp("pool"), load_photos(photos)
    recipe = SynthesisRecipe(steps=0, side=32, solve_crops=2)
    axes = itertools.product((1, 2), ("post", "pre"), ("bilinear", "nearest"), ("none", "relu"))
    for convolutions, order, upsampling, activation in axes:
        architecture = Architecture(1, convolutions, order, upsampling, activation, "none", 16)
        for m in train_architecture(architecture, (0, 1), loaded, recipe):
            entry = PoolEntry(
                architecture.id, m.seed, m.reconstruction_error, m.steps, m.seconds, "toy"
            )
            path = out / entry.file
            path.parent.mkdir(exist_ok=True)
            save_file(m.state, path, {k: str(v) for k, v in asdict(entry).items()})
    return out


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pretend generators of four pictures each."""
    root = tmp_path_factory.mktemp("real")
    for source in range(4):
        (root / f"source{source}").mkdir()
        for index in range(4):
            pixels = synthetic_image(source, index, 140, 150)
            Image.fromarray(pixels).save(root / f"source{source}" / f"{index}.png")
    return root


def run(out: Path, name: str, *arguments: object, code: int = 0) -> dict[str, Any]:
    """Run a command; its JSON, once the page and the pictures were found to be whole."""
    command = [*map(str, arguments), "--out", str(out)]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == code, result.output
    if code:
        return {"stderr": result.stderr}
    pictures = sorted(out.glob(f"{name}-*.png"))
    assert pictures
    for path in pictures:
        with Image.open(path) as image:
            assert min(image.size) > 200
            assert np.asarray(image.convert("L")).std() > 5, f"{path.name} is blank"
    html = (out / f"{name}.html").read_text()
    assert html.count("<img ") == len(pictures)
    assert "://" not in html  # loads nothing
    assert not list(out.glob("*.tmp"))
    found: dict[str, Any] = json.loads((out / f"{name}.json").read_text())
    assert found["scale"] in unescape(html)
    assert found["made_by"]["versions"]["torch"]
    return found["figures"]


def test_the_program_is_recorded_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "/bin/trainer",
        str(Path(trainer.cli.__file__).with_name("__main__.py")),
    ):  # the second is `python -m trainer.cli`
        monkeypatch.setattr("sys.argv", [name, "ablate", "--all"])
        assert made_by()["command"] == "trainer ablate --all"
    assert {"scipy", "matplotlib", "torch"} <= set(made_by()["versions"])


def test_spectrum(real: Path, photos: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path, "spectrum", "analyse", "spectrum", "--images", real, "--photos", photos,
        "--windows", 1, "--examples",
    )  # fmt: skip
    assert set(found["generators"]) == {f"source{i}" for i in range(4)} | {"photographs"}
    assert found["generators"]["source0"]["images"] == 4
    # 128 px less a margin of 4 px on each side: 120 px, so radii 0 to 60.
    assert len(found["generators"]["source0"]["log10_profile"]) == 61
    # Each pretend generator has a texture of its own.
    assert found["uniqueness"]["matched"] > 0.9
    assert found["uniqueness"]["chance"] == 0.25


def test_the_full_scale_is_one_flag_away() -> None:
    trainer_command = typer.main.get_command(app)
    analyse = trainer_command.commands["analyse"].commands
    names = ("fidelity", "ablate", "compare", "embed-map", "lineage", "robustness")
    commands = [*analyse.values(), *(trainer_command.commands[name] for name in names)]
    assert len(commands) == 10
    for command in commands:
        assert "--full" in {option for p in command.params for option in p.opts}, command.name


def test_spectrum_at_full_scale(tmp_path: Path) -> None:
    pictures = {f"s{s}": [synthetic_image(s, i, 128, 128) for i in range(2)] for s in range(2)}
    real = write_generators(tmp_path / "real", pictures)
    run(
        tmp_path, "spectrum", "analyse", "spectrum", "--images", real, "--per-generator", 1,
        "--full",
    )  # fmt: skip
    scale = json.loads((tmp_path / "spectrum.json").read_text())["scale"]
    assert "4 images by 2 generators, up to 9 windows" in scale
    assert "by the dncnn denoiser" in scale


def test_generators_at_full_scale() -> None:
    recipe = generator_recipe(True, 150, 64, 8)
    assert (recipe.steps, recipe.side, recipe.width) == (40_000, 128, 64)
    assert recipe.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert generator_recipe(False, 150, 64, 8) == GeneratorRecipe(steps=150, side=64, width=8)


def test_components(pool: Path, photos: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path, "components", "analyse", "components", "--photos", photos, "--pool", pool,
        "--images", 2, "--seeds", 2, "--samples", 4, "--worst-error", 1, *SMALL,
    )  # fmt: skip
    generators = found["generators"]
    assert set(generators["upsampling"]["high"]) == {"nearest", "bilinear", "transposed"}
    assert generators["activation"]["models"] == {"relu": 2, "sigmoid": 2, "tanh": 2}
    assert generators["normalisation"]["models"] == {"batch": 2, "instance": 2}
    assert found["generators_seeds"]["within"] > 0
    in_pool = found["pool"]
    assert sum(in_pool["upsampling"]["models"].values()) <= 32
    # Bilinear upsampling is the stronger low pass (the paper's Fig. 3).
    assert in_pool["upsampling"]["high"]["bilinear"] < in_pool["upsampling"]["high"]["nearest"]
    assert in_pool["normalisation"]["explained"] == 0  # there is one kind only
    assert 0 < in_pool["upsampling"]["explained"] < 1


def test_components_of_nothing_is_refused(photos: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path, "components", "analyse", "components", "--photos", photos, "--steps", 0, code=2
    )
    assert "nothing to compare" in found["stderr"]


def test_kernels(pool: Path, photos: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path, "kernels", "analyse", "kernels", "--photos", photos, "--pool", pool,
        "--images", 2, "--architectures", 1, *SMALL,
    )  # fmt: skip
    assert len(found) == 2
    assert np.shape(found["small generator"]["map"]["own"]) == (2, 2)
    (name,) = set(found) - {"small generator"}
    assert np.shape(found[name]["gain"]["own"]) == (2, 3)


def test_blocks(photos: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path, "blocks", "analyse", "blocks", "--photos", photos, "--images", 12, *SMALL
    )
    assert set(found) == {"nearest", "bilinear"}
    for swaps in found.values():
        assert [s["swapped"] for s in swaps] == [0, 1, 2, 3]
        assert all(np.sum(s["confusion"]) == 24 for s in swaps)
        assert swaps[0]["follows_last"] > 0.9


def test_fidelity(pool: Path, photos: Path, real: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path, "fidelity", "fidelity", "--pool", pool, "--photos", photos, "--real", real,
        "--images", 2, "--worst-error", 1,
    )  # fmt: skip
    families = {f["name"]: f for f in found["families"]}
    assert set(families) >= {"all", "w/o U (bilinear)", "w/o A (no activation)"}
    assert "w/o K (one block)" not in families  # that is the whole pool
    assert found["real_generators"] == [f"source{i}" for i in range(4)]
    assert all(f["distance"] > 0 and np.isfinite(f["log_volume"]) for f in families.values())
