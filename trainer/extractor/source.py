"""Where the batches of a training come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from trainer.extractor.features import Features
from trainer.extractor.rendering import Renderer
from trainer.extractor.shards import compute_files, compute_sharded
from trainer.progress import Progress, silent
from trainer.shard import Shard
from trainer.synthesis import ModelId

_STAGE = "rendering"


class Source(Protocol):
    """Where batches come from: `models` in all, each with `images` and `variants`.

    `fetch` takes the indices that `Sampler.draw` gives; it returns one signal a sample.
    `photographs` gives the signals (N, …) of images that no model made, in a variant; None where
    there are none.
    """

    models: tuple[ModelId, ...]
    block: np.ndarray
    images: int
    variants: int

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> Tensor: ...

    def photographs(self, variant: int) -> Tensor | None: ...


class FeatureSource:
    """Signals from `Features`, held in memory."""

    def __init__(self, features: Features) -> None:
        self.models, self.block = features.models, features.block
        self.images, self.variants = features.values.shape[1:3]
        self.values, self.crops = features.values, features.photographs

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> Tensor:
        signals = self.values[model[:, None], image, variant[:, None]]
        return torch.from_numpy(signals.astype(np.float32).mean(1))

    def photographs(self, variant: int) -> Tensor | None:
        if self.crops is None or variant >= self.crops.shape[1]:
            return None
        return torch.from_numpy(self.crops[:, variant].astype(np.float32))


class RenderingSource:
    """Rendered images through a frozen signal on the fly: the paper's way, for large signals.

    `signal` runs on `device`, where the batches then lie; `workers` render.
    """

    def __init__(
        self,
        renderer: Renderer,
        signal: nn.Module,
        out: Path,
        *,
        device: str = "cpu",
        workers: int = 1,
        progress: Progress = silent,
    ) -> None:
        self.models, self.block = renderer.models, renderer.block
        self.images, self.variants = renderer.recipe.images, 1
        self.pixels = compute_sharded(
            *_renders(renderer, out), stage=_STAGE, workers=workers, progress=progress
        )
        self.signal, self.device = signal.eval().to(device), device

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> Tensor:
        with torch.no_grad():
            pixels = torch.from_numpy(self.pixels[model, image[:, 0]])
            return self.signal(pixels.to(self.device))

    def photographs(self, variant: int) -> Tensor | None:
        return None


def render_files(
    renderer: Renderer,
    out: Path,
    shard: Shard,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """What a `RenderingSource` would render into `out`, but of a shard of the models only."""
    compute_files(
        *_renders(renderer, out), shard=shard, stage=_STAGE, workers=workers, progress=progress
    )


def _renders(
    renderer: Renderer, out: Path
) -> tuple[Path, dict[str, Any], tuple[str, ...], Callable[[int], np.ndarray]]:
    return out, renderer.plan(), tuple(map(str, renderer.models)), renderer.render
