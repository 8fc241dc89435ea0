"""The signal of every rendered image, computed once, so that a compact network trains from disk.

Each image is kept in several variants: variant 0 as rendered, the others after a random operation
(`operations`). Positives of one model then meet under different processing (paper, Appendix A).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from trainer.extractor import operations
from trainer.extractor.rendering import Rendering

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FeatureRecipe:
    """`variants` per image beyond the first are processed; `seed` fixes which way."""

    variants: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Features:
    """Signals (M, R, V, *shape) float16 of M models × R images × V variants, mapped from disk."""

    values: np.ndarray
    models: tuple[str, ...]
    block: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape[3:])


def compute_features(
    rendering: Rendering,
    signal: nn.Module,
    signal_hash: str,
    out: Path,
    recipe: FeatureRecipe,
    *,
    progress: Progress | None = None,
) -> Features:
    """Compute (or resume computing) the signals of `rendering` into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    plan = {"signal": signal_hash, "recipe": asdict(recipe), "models": len(rendering.models)}
    plan_file, values_file, done_file = out / "plan.json", out / "features.npy", out / "done.txt"
    if plan_file.exists() and json.loads(plan_file.read_text()) != plan:
        raise ValueError(f"{out} holds features of another signal or rendering; give another")
    _write(plan_file, json.dumps(plan))
    models, images = rendering.images.shape[:2]
    shape = (models, images, recipe.variants, *signal.shape)
    if not values_file.exists():
        np.lib.format.open_memmap(values_file, "w+", np.float16, shape).flush()
    values = np.load(values_file, mmap_mode="r+")
    done = int(done_file.read_text()) if done_file.exists() else 0
    for i in range(done, models):
        batch = np.array(rendering.images[i])
        rng = np.random.default_rng((recipe.seed, i))
        for variant in range(recipe.variants):
            pixels = batch if variant == 0 else process(batch, rng)
            with torch.inference_mode():
                values[i, :, variant] = signal(torch.from_numpy(pixels)).half().numpy()
        if (i + 1) % 20 == 0 or i + 1 == models:
            values.flush()
            _write(done_file, str(i + 1))
            if progress is not None:
                progress(i + 1, models)
    return Features(values, rendering.models, rendering.block)


def process(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Send each image (N, 3, H, W) through one random operation; mostly JPEG, as the web does."""
    chain = (operations.jpeg, operations.webp, operations.blur, operations.noise)
    out = np.empty_like(images)
    for i, image in enumerate(images.transpose(0, 2, 3, 1)):
        operation = chain[rng.choice(len(chain), p=(0.7, 0.1, 0.1, 0.1))]
        out[i] = operation(np.ascontiguousarray(image), rng).transpose(2, 0, 1)
    return out


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)
