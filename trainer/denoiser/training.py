"""Train the denoiser on σ = 1/255 noise, then distil its student (paper III-C)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainer.checkpoint import (
    CHECKPOINT_SECONDS,
    CsvLog,
    load_checkpoint,
    save_checkpoint,
    save_tensors,
)
from trainer.denoiser.networks import DnCNN, Student
from trainer.images.photos import Photos
from trainer.progress import Progress, silent

log = logging.getLogger(__name__)

SIGMA = 1.0 / 255.0


@dataclass(frozen=True)
class DenoiserRecipe:
    """What the teacher and its student are trained with. `side` is the patch side in pixels."""

    depth: int = 17
    width: int = 64
    student_depth: int = 4
    student_width: int = 16
    steps: int = 2000
    student_steps: int = 4000
    student_crops: int = 800
    batch: int = 8
    side: int = 96
    learning_rate: float = 1e-3
    student_learning_rate: float = 3e-3
    seed: int = 0
    bfloat16: bool = True


def train_denoiser(
    photos: Photos,
    out: Path,
    recipe: DenoiserRecipe,
    *,
    progress: Progress = silent,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> DnCNN:
    """Gaussian noise of σ = 1/255 is added to photographs; the network learns to return it.

    Loss: mean squared error in units of σ (1.0 = nothing learned). Resumes from `out` by itself.
    """
    torch.manual_seed(recipe.seed)
    network = DnCNN(recipe.depth, recipe.width)

    def batch(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        clean = torch.from_numpy(photos.crops(recipe.batch, recipe.side, rng)).float() / 255.0
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
        return clean + SIGMA * noise, _crop(noise, network.margin)

    _train(network, batch, out / "dncnn", recipe, recipe.steps, progress, checkpoint_seconds)
    return network


def distil_student(
    photos: Photos,
    teacher: DnCNN,
    out: Path,
    recipe: DenoiserRecipe,
    *,
    progress: Progress = silent,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Student:
    """The student learns the teacher's residual on photographs, clean and noisy alike.

    The teacher, eighty times dearer, looks at `student_crops` crops once and for all.
    """
    torch.manual_seed(recipe.seed)
    student = Student(recipe.student_depth, recipe.student_width)
    margin = teacher.margin - student.margin
    if margin < 0:
        raise ValueError(
            f"a student of depth {recipe.student_depth} must not be deeper than its teacher, of "
            f"depth {teacher.margin}"
        )
    images, targets = _teach(photos, teacher.eval(), recipe)

    def batch(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.from_numpy(rng.integers(len(images), size=recipe.batch))
        # Both see the same centre: the student, with its smaller margin, gets the smaller patch.
        return _crop(images[rows], margin), targets[rows]

    steps = recipe.student_steps
    _train(student, batch, out / "student", recipe, steps, progress, checkpoint_seconds)
    return student


@torch.no_grad()
def _teach(photos: Photos, teacher: DnCNN, recipe: DenoiserRecipe) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng((recipe.seed, recipe.student_crops))
    images, targets = [], []
    for start in range(0, recipe.student_crops, recipe.batch):
        count = min(recipe.batch, recipe.student_crops - start)
        clean = torch.from_numpy(photos.crops(count, recipe.side, rng)).float() / 255.0
        strength = torch.from_numpy(rng.uniform(0, 1, (count, 1, 1, 1)).astype(np.float32))
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
        images.append(clean + SIGMA * strength * noise)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            seen = images[-1].to(memory_format=torch.channels_last)
            targets.append(teacher(seen).float())
    return torch.cat(images), torch.cat(targets)


def load_denoiser(path: Path, network: nn.Module) -> nn.Module:
    """Load the finished weights (safetensors) written by `train_denoiser` / `distil_student`."""
    from safetensors.torch import load_file

    network.load_state_dict(load_file(path))
    return network.eval()


def _train(
    network: nn.Module,
    batch: Callable[[np.random.Generator], tuple[Tensor, Tensor]],
    out: Path,
    recipe: DenoiserRecipe,
    steps: int,
    progress: Progress,
    checkpoint_seconds: float,
) -> None:
    torch.manual_seed(recipe.seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    if isinstance(network, Student):
        # Without batch norm a start at full scale yields residuals of order 15; the descent from
        # there kills every unit.
        with torch.no_grad():
            network.layers[0].weight *= 0.1
            network.layers[-1].weight *= 0.1
            network.layers[-1].bias.zero_()
    network.to(memory_format=torch.channels_last).train()
    student = isinstance(network, Student)
    peak = recipe.student_learning_rate if student else recipe.learning_rate
    optimiser = torch.optim.Adam(network.parameters(), lr=peak)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=steps, pct_start=0.05
    )
    state = load_checkpoint(out / "checkpoint.pt")
    step, before = 0, 0.0
    if state is not None:
        if _relevant(state["recipe"], out.name) != _relevant(asdict(recipe), out.name):
            raise ValueError(f"{out} holds a run with another recipe; give another --out")
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        step = state["step"]
        before = state.get("seconds", 0.0)
    csv = CsvLog(out / "log.csv", ("step", "loss", "seconds"), resume_step=step)
    saved = time.monotonic()
    started = saved - before
    total, counted = 0.0, 0
    while step < steps:
        # Each step draws from its own stream, so that a resumed run repeats an unbroken one.
        images, target = batch(np.random.default_rng((recipe.seed, step)))
        images = images.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            predicted = network(images)
        loss = nn.functional.mse_loss(predicted.float(), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        step += 1
        total, counted = total + loss.item(), counted + 1
        if step % 50 == 0 or step == steps:
            csv.write(step=step, loss=total / counted, seconds=time.monotonic() - started)
            progress(out.name, step, steps, loss=total / counted)
            total, counted = 0.0, 0
        if time.monotonic() - saved > checkpoint_seconds or step == steps:
            save_checkpoint(
                out / "checkpoint.pt",
                {
                    "recipe": asdict(recipe),
                    "network": network.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "step": step,
                    "seconds": time.monotonic() - started,
                },
            )
            saved = time.monotonic()
    network.eval()
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_tensors(out / "weights.safetensors", weights)


def _relevant(recipe: dict[str, Any], part: str) -> dict[str, Any]:
    """What decides the weights: the teacher does not depend on how its student is made."""
    teacher = part == "dncnn"
    return {
        name: value
        for name, value in recipe.items()
        if not (teacher and name.startswith("student_"))
    }


def _crop(x: Tensor, margin: int) -> Tensor:
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]
