"""Render photographs through every model of a pool, once, as 8-bit images on disk.

Models are dealt into content blocks: all models of a block see the same photograph crops. A batch
drawn from one block then holds the same contents through many models, so content cannot help.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from trainer.photos import Photos
from trainer.synthesis import load_model, read_pool

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RenderRecipe:
    """`images` crops of `side` px a model; `blocks` content blocks; the crops follow `seed`."""

    images: int = 16
    blocks: int = 40
    side: int = 128
    seed: int = 0


@dataclass(frozen=True)
class Rendering:
    """Rendered images (M, R, 3, side, side) uint8, mapped from disk, and who made them.

    `models` are "pool/architecture/seed" names; `block` (M,) int is each model's content block.
    """

    images: np.ndarray
    models: tuple[str, ...]
    block: np.ndarray


def render(
    pools: list[Path],
    photos: Photos,
    out: Path,
    recipe: RenderRecipe,
    *,
    progress: Progress | None = None,
) -> Rendering:
    """Render every model in `pools`; resumes from `out` by itself.

    Raises ValueError when `out` was rendered from other models or with another recipe.
    """
    entries = [(pool, entry) for pool in pools for entry in read_pool(pool)]
    names = [f"{pool.name}/{entry.file.removesuffix('.safetensors')}" for pool, entry in entries]
    plan = {"recipe": asdict(recipe), "models": names}
    out.mkdir(parents=True, exist_ok=True)
    plan_file, images_file, done_file = out / "plan.json", out / "images.npy", out / "done.txt"
    if plan_file.exists() and json.loads(plan_file.read_text()) != plan:
        raise ValueError(f"{out} was rendered from other models or another recipe; give another")
    _write(plan_file, json.dumps(plan))
    shape = (len(entries), recipe.images, 3, recipe.side, recipe.side)
    if not images_file.exists():
        np.lib.format.open_memmap(images_file, "w+", np.uint8, shape).flush()
    images = np.load(images_file, mmap_mode="r+")
    done = int(done_file.read_text()) if done_file.exists() else 0
    for i in range(done, len(entries)):
        pool, entry = entries[i]
        rng = np.random.default_rng((recipe.seed, i % recipe.blocks))
        crops = torch.from_numpy(photos.crops(recipe.images, recipe.side, rng))
        images[i] = load_model(pool, entry).render(crops)[:, 0].numpy()
        if (i + 1) % 20 == 0 or i + 1 == len(entries):
            images.flush()
            _write(done_file, str(i + 1))
            if progress is not None:
                progress(i + 1, len(entries))
    return read_rendering(out)


def read_rendering(out: Path) -> Rendering:
    """Open what `render` finished."""
    plan = json.loads((out / "plan.json").read_text())
    images = np.load(out / "images.npy", mmap_mode="r")
    block = np.arange(len(images)) % plan["recipe"]["blocks"]
    return Rendering(images, tuple(plan["models"]), block)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)
