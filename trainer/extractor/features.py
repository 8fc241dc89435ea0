"""The signal of every rendered image, computed once, so that a compact network trains from disk.

Each image is kept in several variants: as rendered, after random operations (`operations`), and
with a fainter trace. Positives of one model then meet under different processing (paper,
Appendix A).
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from trainer.extractor.rendering import Renderer
from trainer.extractor.shards import Progress, compute_sharded
from trainer.images import random_operations as operations

RENDERED, PROCESSED, FAINT = 0, (1, 2), 3
"""Variants of an image: as rendered; as JPEG and processed at will; with a fainter trace."""
PHOTOGRAPHS = "photographs"
"""Folder, among the models' own, of the signals of photographs as they are."""
_SHARD = 50  # crops in a file


@dataclass(frozen=True)
class FeatureRecipe:
    """The first `variants` of each image: RENDERED, PROCESSED (two), FAINT.

    `faintest` is the least mean squared error, on [-1, 1], that a faint trace is brought down to;
    `photographs` how many crops are also taken as they are, through no model (0: none).
    """

    variants: int = 4
    faintest: float = 0.001
    photographs: int = 16_000
    seed: int = 0


@dataclass(frozen=True)
class Features:
    """Signals (M, R, V, *shape) float16 of M models × R images × V variants.

    `photographs` (N, V', *shape) are those of crops that no model made; they have no trace that
    could be FAINT.
    """

    values: np.ndarray
    models: tuple[str, ...]
    block: np.ndarray
    photographs: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape[3:])


def compute_features(
    renderer: Renderer,
    signal: nn.Module,
    signal_hash: str,
    out: Path,
    recipe: FeatureRecipe,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Features:
    """Render every model and take its images' signals; resumes from `out` by itself."""

    def compute(index: int) -> np.ndarray:
        images, name = renderer.render(index), zlib.crc32(renderer.models[index].encode())
        rng = np.random.default_rng((recipe.seed, name))
        variants = [images]
        for variant in range(1, recipe.variants):
            if variant == FAINT:
                own = np.random.default_rng((recipe.seed, name, FAINT))  # leaves the others alone
                share = faint_share(renderer.residual(index), recipe.faintest, own)
                variants.append(fade(images, renderer.contents(index), share))
            else:
                variants.append(process(images, rng, variant))
        with torch.inference_mode():
            signals = [signal(torch.from_numpy(pixels)).half().numpy() for pixels in variants]
        return np.stack(signals, axis=1)

    plan = {"signal": signal_hash, "features": asdict(recipe)} | renderer.plan()
    values = compute_sharded(
        out, plan, renderer.models, compute, workers=workers, progress=progress
    )
    photographs = _compute_photographs(renderer, signal, out / PHOTOGRAPHS, plan, recipe, workers)
    return Features(values, renderer.models, renderer.block, photographs)


def _compute_photographs(
    renderer: Renderer,
    signal: nn.Module,
    out: Path,
    plan: dict[str, Any],
    recipe: FeatureRecipe,
    workers: int,
) -> np.ndarray | None:
    """The signals of crops that no model made, in every variant but FAINT."""

    def compute(index: int) -> np.ndarray:
        rng, rendering = np.random.default_rng((recipe.seed, index)), renderer.recipe
        crops = renderer.photos.crops(shard, rendering.side, rng, enlarged=rendering.enlarged)
        copies = [v for v in PROCESSED if v < recipe.variants]
        variants = [crops, *(process(crops, rng, variant) for variant in copies)]
        with torch.inference_mode():
            signals = [signal(torch.from_numpy(pixels)).half().numpy() for pixels in variants]
        return np.stack(signals, axis=1)

    if recipe.photographs == 0:
        return None
    shard = min(_SHARD, recipe.photographs)
    names = tuple(f"{i:04d}" for i in range(recipe.photographs // shard))
    shards = compute_sharded(out, plan, names, compute, workers=workers)
    return shards.reshape(-1, *shards.shape[2:])


def process(images: np.ndarray, rng: np.random.Generator, variant: int) -> np.ndarray:
    """Send each image (N, 3, H, W) through an operation.

    Variant 1 is what platforms publish, JPEG 4:2:0 of quality 75 to 95; the others draw any
    operation of any strength for each image.
    """
    chain = (operations.jpeg, operations.webp, operations.blur, operations.noise)
    out = np.empty_like(images)
    for i, image in enumerate(images.transpose(0, 2, 3, 1)):
        pixels = np.ascontiguousarray(image)
        if variant == 1:
            processed = operations.published_jpeg(pixels, rng)
        else:
            processed = chain[rng.choice(len(chain), p=(0.7, 0.1, 0.1, 0.1))](pixels, rng)
        out[i] = processed.transpose(2, 0, 1)
    return out


def faint_share(residual: float, faintest: float, rng: np.random.Generator) -> float:
    """How much of a model's trace to keep, in (0, 1], so that its error falls to a random one.

    `residual` is the model's mean squared error; the new one is log-uniform from `faintest` to it.
    """
    wanted = np.exp(rng.uniform(np.log(faintest), np.log(max(residual, faintest * 1.1))))
    return float(min(1.0, np.sqrt(wanted / residual)))


def fade(images: np.ndarray, contents: np.ndarray, share: float) -> np.ndarray:
    """uint8 `images` (N, 3, H, W) with a `share` of what they differ by from `contents`.

    Real generators leave fainter traces than models that are cheap to make.
    """
    faint = contents + share * (images.astype(np.float32) - contents)
    return np.clip(np.rint(faint), 0, 255).astype(np.uint8)
