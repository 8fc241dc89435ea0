"""The signal of every rendered image in every variant, computed once and kept on disk."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from trainer.extractor.rendering import Renderer
from trainer.extractor.shards import compute_files, compute_sharded
from trainer.extractor.variants import FAINT, PROCESSED, fade, faint_share, process
from trainer.graph import onnx_embedder
from trainer.images.random_operations import Processing
from trainer.progress import Progress, silent
from trainer.shard import Shard
from trainer.synthesis import ModelId

PHOTOGRAPHS = "photographs"
"""Folder, among the models' own, of the signals of photographs as they are."""
_SHARD = 50  # crops in a file
_STAGE, _PHOTOGRAPHS_STAGE = "signals", "signals of photographs"
_Signals = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FeatureRecipe:
    """The first `variants` of each image: RENDERED, PROCESSED (two), FAINT.

    `faintest` is the least mean squared error, on [-1, 1], that a faint trace is brought down to;
    `photographs` how many crops are also taken as they are, through no model (0: none);
    `processing` how images are processed.

    Equations: docs/method.md#rendering.
    """

    variants: int = 4
    faintest: float = 0.001
    photographs: int = 16_000
    processing: Processing = field(default_factory=Processing)
    seed: int = 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FeatureRecipe:
        """The recipe that `dataclasses.asdict` and JSON turned into `values`."""
        return cls(**values | {"processing": Processing.from_dict(values["processing"])})


@dataclass(frozen=True)
class Features:
    """Signals (M, R, V, *shape) float16 of M models × R images × V variants.

    `photographs` (N, V', *shape) are those of crops that no model made; they have no trace that
    could be FAINT.
    """

    values: np.ndarray
    models: tuple[ModelId, ...]
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
    progress: Progress = silent,
) -> Features:
    """Render every model and take its images' signals; resumes from `out` by itself.

    ONNX Runtime computes the signals, as it does those of whoever uses the model.
    """
    of_models, of_photographs = _parts(renderer, signal, signal_hash, out, recipe)
    values = compute_sharded(*of_models, stage=_STAGE, workers=workers, progress=progress)
    crops = None
    if of_photographs is not None:
        shards = compute_sharded(
            *of_photographs, stage=_PHOTOGRAPHS_STAGE, workers=workers, progress=progress
        )
        crops = shards.reshape(-1, *shards.shape[2:])
    return Features(values, renderer.models, renderer.block, crops)


def compute_feature_files(
    renderer: Renderer,
    signal: nn.Module,
    signal_hash: str,
    out: Path,
    recipe: FeatureRecipe,
    shard: Shard,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """A shard of what `compute_features` needs, into the same folder."""
    parts = _parts(renderer, signal, signal_hash, out, recipe)
    for part, stage in zip(parts, (_STAGE, _PHOTOGRAPHS_STAGE), strict=True):
        if part is not None:
            compute_files(*part, shard=shard, stage=stage, workers=workers, progress=progress)


_Part = tuple[Path, dict[str, Any], tuple[str, ...], Callable[[int], np.ndarray]]
"""Of a computation by files: folder, plan, names and what computes one."""


def _parts(
    renderer: Renderer, signal: nn.Module, signal_hash: str, out: Path, recipe: FeatureRecipe
) -> tuple[_Part, _Part | None]:
    """The signals of models, and of photographs where there are to be any."""
    signals = _halved(onnx_embedder(signal, renderer.recipe.side, threads=1))
    plan = {"signal": signal_hash, "features": asdict(recipe)} | renderer.plan()
    names = tuple(str(model) for model in renderer.models)
    of_models = out, plan, names, partial(_of_model, renderer, signals, recipe)
    if recipe.photographs == 0:
        return of_models, None
    size = min(_SHARD, recipe.photographs)
    files = tuple(f"{i:04d}" for i in range(recipe.photographs // size))
    compute = partial(_of_photographs, renderer, signals, recipe, size)
    return of_models, (out / PHOTOGRAPHS, plan, files, compute)


def _of_model(
    renderer: Renderer, signals: _Signals, recipe: FeatureRecipe, index: int
) -> np.ndarray:
    """One model's images, in every variant."""
    images, name = renderer.render(index), zlib.crc32(str(renderer.models[index]).encode())
    rng = np.random.default_rng((recipe.seed, name))
    variants = [images]
    for variant in range(1, recipe.variants):
        if variant == FAINT:
            own = np.random.default_rng((recipe.seed, name, FAINT))  # leaves the others alone
            share = faint_share(renderer.error(index), recipe.faintest, own)
            variants.append(fade(images, renderer.contents(index), share))
        else:
            variants.append(process(images, rng, variant, recipe.processing))
    return np.stack([signals(pixels) for pixels in variants], axis=1)


def _of_photographs(
    renderer: Renderer, signals: _Signals, recipe: FeatureRecipe, size: int, index: int
) -> np.ndarray:
    """Crops that no model made, in every variant but FAINT."""
    rng, rendering = np.random.default_rng((recipe.seed, index)), renderer.recipe
    crops = renderer.photos.crops(size, rendering.side, rng, enlarged=rendering.enlarged)
    copies = [v for v in PROCESSED if v < recipe.variants]
    variants = [crops, *(process(crops, rng, variant, recipe.processing) for variant in copies)]
    return np.stack([signals(pixels) for pixels in variants], axis=1)


def _halved(signal: _Signals) -> _Signals:
    """The same in half precision: float16 (N, *shape)."""
    return lambda pixels: signal(pixels).astype(np.float16)
