"""The denoiser (paper III-C): sizes, equality of whole image and patches, training, resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.photographs import write_photographs
from torch import Tensor, nn
from typer.testing import CliRunner

from trainer.checkpoint import load_checkpoint, read_csv_log
from trainer.cli import app
from trainer.denoiser import (
    DenoiserRecipe,
    DnCNN,
    Student,
    distil_student,
    load_denoiser,
    macs,
    train_denoiser,
)
from trainer.images.photos import Photos, load_photos

TOY = DenoiserRecipe(
    depth=4,
    width=6,
    student_depth=3,
    student_width=4,
    steps=30,
    student_steps=30,
    student_crops=6,
    batch=2,
    side=24,
    bfloat16=False,
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos"), 12, grain=0.3)


@pytest.fixture(scope="module")
def photos(folder: Path) -> Photos:
    return load_photos(folder)


def assert_same(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


# Networks


def test_the_papers_denoiser_makes_94_pixels_of_128() -> None:
    network = DnCNN().eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 128, 128)).shape == (1, 3, 94, 94)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 17
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 15
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(558_000, rel=0.01)


@pytest.mark.parametrize("network", [DnCNN(3, 4), DnCNN(6, 4), Student(), Student(2, 3)])
def test_the_margin_is_what_the_output_lacks(network: nn.Module) -> None:
    with torch.no_grad():
        out = network.eval()(torch.rand(2, 3, 40, 33))
    assert out.shape == (2, 3, 40 - 2 * network.margin, 33 - 2 * network.margin)


@pytest.mark.parametrize("network", [DnCNN(5, 6), Student()])
def test_denoising_an_image_equals_denoising_its_patches(network: nn.Module) -> None:
    torch.manual_seed(0)
    network = network.double().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    image = torch.rand(1, 3, 60, 70, dtype=torch.float64)
    m = network.margin
    with torch.no_grad():
        whole = network(image)
        for top, left in [(0, 0), (7, 13), (60 - 32, 70 - 32)]:
            patch = network(image[..., top : top + 32, left : left + 32])
            same = whole[..., top : top + 32 - 2 * m, left : left + 32 - 2 * m]
            torch.testing.assert_close(patch, same, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("network", [DnCNN(4, 5), Student()])
def test_brightness_is_no_residual(network: nn.Module) -> None:
    image = torch.rand(1, 3, 32, 32) / 2
    with torch.no_grad():
        dark, light = network.eval()(image), network(image + 0.25)
    torch.testing.assert_close(dark, light, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("network", [DnCNN(), DnCNN(5, 8), Student(), Student(3, 5)])
@pytest.mark.parametrize("side", [64, 128])
def test_macs_are_those_a_forward_pass_takes(network: nn.Module, side: int) -> None:
    counted = 0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal counted
        inputs, outputs = module.weight.shape[1], output.numel()
        counted += outputs * inputs * module.kernel_size[0] * module.kernel_size[1]

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.rand(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    assert macs(network, side) == counted


def test_the_student_is_fifty_times_cheaper() -> None:
    assert macs(DnCNN()) == pytest.approx(6.77e9, rel=0.01)
    assert macs(DnCNN()) >= 50 * macs(Student())


# Training


def test_the_teacher_learns_and_a_finished_run_is_left_alone(
    photos: Photos, tmp_path: Path
) -> None:
    recipe = replace(TOY, depth=3, width=12, steps=200, batch=8, side=16, learning_rate=3e-3)
    network = train_denoiser(photos, tmp_path, recipe)
    losses = [float(row["loss"]) for row in read_csv_log(tmp_path / "dncnn" / "log.csv")]
    assert len(losses) == 4
    assert losses[-1] < 1.0 < losses[0]
    weights = tmp_path / "dncnn" / "weights.safetensors"
    stored = load_file(weights)
    assert_same(stored, network.state_dict())
    assert_same(train_denoiser(photos, tmp_path, recipe).state_dict(), stored)
    loaded = load_denoiser(weights, DnCNN(recipe.depth, recipe.width))
    assert not loaded.training
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), network(image))


def test_the_student_learns_more_than_the_mean_of_its_teacher(
    photos: Photos, tmp_path: Path
) -> None:
    recipe = replace(TOY, depth=3, width=12, steps=200, batch=8, side=16, learning_rate=3e-3)
    recipe = replace(recipe, student_steps=500, student_crops=60, student_width=8)
    teacher = train_denoiser(photos, tmp_path, recipe)
    distil_student(photos, teacher, tmp_path, recipe)
    crops = torch.from_numpy(photos.crops(60, 16, np.random.default_rng(0))).float() / 255
    crops += torch.rand(60, 1, 1, 1) * torch.randn(crops.shape) / 255
    with torch.no_grad():
        constant = float(teacher(crops).var())
    losses = [float(row["loss"]) for row in read_csv_log(tmp_path / "student" / "log.csv")]
    assert losses[-1] < 0.8 * constant
    assert (tmp_path / "student" / "weights.safetensors").exists()


def test_a_student_as_deep_as_its_teacher_is_trained_and_a_deeper_one_refused(
    photos: Photos, tmp_path: Path
) -> None:
    teacher = DnCNN(TOY.depth, TOY.width)
    equal = distil_student(photos, teacher, tmp_path, replace(TOY, student_depth=4))
    assert equal.margin == teacher.margin
    with pytest.raises(ValueError, match="deeper"):
        distil_student(photos, teacher, tmp_path / "b", replace(TOY, student_depth=5))


@pytest.mark.parametrize("bfloat16", [False, True])
def test_training_is_deterministic(photos: Photos, tmp_path: Path, bfloat16: bool) -> None:
    recipe = replace(TOY, bfloat16=bfloat16)
    runs = [train_denoiser(photos, tmp_path / name, recipe).state_dict() for name in "ab"]
    assert_same(*runs)
    other = train_denoiser(photos, tmp_path / "c", replace(recipe, seed=1)).state_dict()
    assert any((other[name] != runs[0][name]).any() for name in other)


def test_another_recipe_is_refused_but_not_another_student(photos: Photos, tmp_path: Path) -> None:
    train_denoiser(photos, tmp_path, TOY)
    with pytest.raises(ValueError, match="another recipe"):
        train_denoiser(photos, tmp_path, replace(TOY, learning_rate=1.0))
    train_denoiser(photos, tmp_path, replace(TOY, student_steps=99))


KILLED = """
import sys
from pathlib import Path
import torch
from trainer.denoiser import DenoiserRecipe, train_denoiser
from trainer.images.photos import load_photos
torch.set_num_threads(1)
recipe = DenoiserRecipe(**eval(sys.argv[3]))
photos, out = load_photos(Path(sys.argv[1])), Path(sys.argv[2])
train_denoiser(photos, out, recipe, checkpoint_seconds=0.0)
"""


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_weights_of_an_unbroken_one(
    folder: Path, photos: Photos, tmp_path: Path
) -> None:
    recipe = replace(TOY, steps=600)
    arguments = {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}
    command = [sys.executable, "-c", KILLED, str(folder), str(tmp_path / "killed"), str(arguments)]
    checkpoint = tmp_path / "killed" / "dncnn" / "checkpoint.pt"
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        end = time.monotonic() + 60
        while not (checkpoint.exists() and load_checkpoint(checkpoint)["step"] >= 60):  # type: ignore[index]
            assert time.monotonic() < end, "no checkpoint came"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    state = load_checkpoint(checkpoint)
    assert state is not None
    assert 60 <= state["step"] < 600

    resumed = train_denoiser(photos, tmp_path / "killed", recipe)
    unbroken = train_denoiser(photos, tmp_path / "unbroken", recipe, checkpoint_seconds=1e9)
    assert_same(resumed.state_dict(), unbroken.state_dict())
    logs = [read_csv_log(tmp_path / run / "dncnn" / "log.csv") for run in ("killed", "unbroken")]
    assert [row["step"] for row in logs[0]] == [row["step"] for row in logs[1]]
    seconds = [float(row["seconds"]) for row in logs[0]]
    assert seconds == sorted(seconds)


# trainer denoiser


def test_the_command_trains_both_and_reports(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "denoiser"
    command = ["denoiser", "--photos", str(folder), "--out", str(out), "--steps", "30"]
    command += ["--student-steps", "30", "--depth", "4", "--width", "6", "--student-depth", "3"]
    command += ["--student-width", "4", "--batch", "2", "--side", "24", "--student-crops", "6"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    report = json.loads((out / "denoiser.json").read_text())
    assert report["teacher_macs"] == macs(DnCNN(4, 6))
    assert report["student_macs"] == macs(Student(3, 4))
    assert report["ratio"] == pytest.approx(report["teacher_macs"] / report["student_macs"])
    assert report["training_photographs"] + report["held_out_photographs"] == 12
    assert report["held_out_photographs"] == len(load_photos(folder).split(0.1)[1])
    assert -1 <= report["agreement"]["correlation"] <= 1
    assert len(report["agreement"]["log_differences"]) == (128 - 8) // 2
    assert f"{report['ratio']:.1f}" in result.stdout
    for part in ("dncnn", "student"):
        assert (out / part / "weights.safetensors").exists()
    again = CliRunner().invoke(app, command)  # finished: resumes to the same figures
    assert again.exit_code == 0
    assert json.loads((out / "denoiser.json").read_text()) == report


def test_the_command_needs_held_out_photographs(tmp_path: Path) -> None:
    write_photographs(tmp_path / "one", 1)
    command = ["denoiser", "--photos", str(tmp_path / "one"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "more photographs" in result.stderr
