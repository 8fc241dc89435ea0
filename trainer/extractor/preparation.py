"""What every training starts with: photographs, models, denoiser; and signals, shared out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from trainer.checkpoint import save_tensors
from trainer.extractor.compact.recipe import CompactRecipe
from trainer.extractor.features import FeatureRecipe, compute_feature_files
from trainer.extractor.paper.recipe import PaperRecipe
from trainer.extractor.rendering import Renderer, RenderRecipe, make_renderer
from trainer.extractor.source import render_files
from trainer.images.photos import load_photos
from trainer.progress import Progress, silent
from trainer.shard import Shard
from trainer.signal import signal_name

SIGNALS, RENDERS, DENOISER_FILE = "signals", "render", "denoiser.safetensors"


def share_compact(
    pools: Sequence[Path],
    photos_folder: Path,
    out: Path,
    recipe: CompactRecipe,
    denoiser: nn.Module,
    shard: Shard,
    *,
    rendering: RenderRecipe,
    features: FeatureRecipe,
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """A shard of the signals that `run_compact` starts with, into the same folder; no training."""
    renderer, denoiser_hash = prepare(
        pools, photos_folder, out, denoiser, rendering, recipe.held_out
    )
    signal = frozen(recipe.signal(denoiser))
    name = signal_name(signal, denoiser_hash)
    compute_feature_files(
        renderer, signal, name, out / SIGNALS, features, shard, workers=workers, progress=progress
    )


def share_paper(
    pools: Sequence[Path],
    photos_folder: Path,
    out: Path,
    recipe: PaperRecipe,
    denoiser: nn.Module,
    shard: Shard,
    *,
    rendering: RenderRecipe,
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """A shard of the renders that `run_paper` starts with, into the same folder; no training."""
    renderer, _ = prepare(pools, photos_folder, out, denoiser, rendering, recipe.held_out)
    render_files(renderer, out / RENDERS, shard, workers=workers, progress=progress)


def prepare(
    pools: Sequence[Path],
    photos_folder: Path,
    out: Path,
    denoiser: nn.Module,
    rendering: RenderRecipe,
    held_out: float,
) -> tuple[Renderer, str]:
    """The renderer of the training share of the photographs, and the hash of the denoiser."""
    if len({pool.name for pool in pools}) < len(pools):
        raise ValueError("two pools have the same folder name; rename one of them")
    training, _ = load_photos(photos_folder, side=rendering.side).split(held_out)
    out.mkdir(parents=True, exist_ok=True)
    save_tensors(out / DENOISER_FILE, denoiser.state_dict())
    denoiser_hash = hashlib.sha256((out / DENOISER_FILE).read_bytes()).hexdigest()[:16]
    return make_renderer(pools, training, rendering), denoiser_hash


def frozen(signal: nn.Module) -> nn.Module:
    """As a signal is used: for evaluation, without gradients."""
    return signal.eval().requires_grad_(False)
