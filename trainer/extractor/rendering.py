"""Photographs through synthetic models: the images an extractor learns from (paper III-C).

Architectures are dealt into content blocks: all models of a block see the same photograph crops. A
batch drawn from one block then holds the same contents through many models, near twins among them,
so content cannot help.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer.images.photos import Photos
from trainer.synthesis import ModelId, PoolEntry, load_model, read_pool


@dataclass(frozen=True)
class RenderRecipe:
    """`images` crops of `side` px a model; `blocks` content blocks; the crops follow `seed`.

    Models whose reconstruction error exceeds `worst_error` are left out: an image
    that lost its brightness or contrast is no example of a generator's. `enlarged` is the share of
    smooth contents (`Photos.crops`).
    """

    images: int = 12
    blocks: int = 100
    side: int = 128
    worst_error: float = 0.06
    enlarged: float = 0.4
    seed: int = 0


@dataclass(frozen=True)
class Renderer:
    """Renders any model of `pools` on demand.

    `block` (M,) int is each model's content block.

    Equations: docs/method.md#rendering.
    """

    entries: tuple[tuple[Path, PoolEntry], ...]
    models: tuple[ModelId, ...]
    block: np.ndarray
    photos: Photos
    recipe: RenderRecipe

    def contents(self, index: int) -> np.ndarray:
        """The crops that a model renders, as all of its block do: uint8 (R, 3, side, side)."""
        rng = np.random.default_rng((self.recipe.seed, int(self.block[index])))
        recipe = self.recipe
        return self.photos.crops(recipe.images, recipe.side, rng, enlarged=recipe.enlarged)

    def render(self, index: int) -> np.ndarray:
        """All images of one model: uint8 (R, 3, side, side)."""
        model = load_model(*self.entries[index])
        return model.render(torch.from_numpy(self.contents(index)))[:, 0].numpy()

    def error(self, index: int) -> float:
        """One model's reconstruction error."""
        return self.entries[index][1].reconstruction_error

    def plan(self) -> dict[str, Any]:
        """What the images of any one model depend on, for caches."""
        return {"rendering": asdict(self.recipe), "photos": self.photos.digest}


def make_renderer(pools: list[Path], photos: Photos, recipe: RenderRecipe) -> Renderer:
    """Every faithful model of every pool."""
    entries = tuple(
        (pool, entry)
        for pool in pools
        for entry in read_pool(pool)
        if entry.reconstruction_error <= recipe.worst_error
    )
    models = tuple(entry.id(pool) for pool, entry in entries)
    block = [zlib.crc32(entry.architecture.encode()) % recipe.blocks for _, entry in entries]
    return Renderer(entries, models, np.array(block), photos, recipe)
