"""One training run: pools and photographs in, a network and all that made it out.

`RUN/` holds `signals/` (of the compact method) or `render/` (of the paper's), caches that are safe
to delete when done; `heads/` with the weights of each head, or checkpoint, log and `losses.png` of
the paper's network; `denoiser.safetensors`, `network.safetensors` and `run.json`, which is what
`load_run` and `export-onnx` read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from fingerprint_sdk.files import write_text
from trainer.denoiser import network_from_state
from trainer.extractor.compact.fit import fit_compact
from trainer.extractor.compact.recipe import CompactRecipe
from trainer.extractor.features import FeatureRecipe, compute_features
from trainer.extractor.paper.processes import joined
from trainer.extractor.paper.recipe import PaperRecipe
from trainer.extractor.paper.train import train_by_step
from trainer.extractor.preparation import DENOISER_FILE, RENDERS, SIGNALS, frozen, prepare
from trainer.extractor.rendering import Renderer, RenderRecipe
from trainer.extractor.saved import NETWORK, Run
from trainer.extractor.source import FeatureSource, RenderingSource
from trainer.images.photos import MAX_SHRINK, MIN_SHRINK
from trainer.progress import Progress, silent
from trainer.signal import signal_name
from trainer.synthesis import pool_recipe

METHODS = {recipe.method: recipe for recipe in (CompactRecipe, PaperRecipe)}
"""Recipes by the name of their method."""
RUN_FILE = "run.json"


def run_compact(
    pools: Sequence[Path],
    photos_folder: Path,
    out: Path,
    recipe: CompactRecipe,
    denoiser: nn.Module,
    *,
    rendering: RenderRecipe,
    features: FeatureRecipe,
    workers: int = 1,
    progress: Progress = silent,
) -> Run:
    """Render, compute signals, fit (docs/method.md). Every stage resumes by itself from `out`.

    Raises ValueError when two pools have the same folder name, since caches know models by it.
    """
    renderer, denoiser_hash = prepare(
        pools, photos_folder, out, denoiser, rendering, recipe.held_out
    )
    signal = frozen(recipe.signal(denoiser))
    computed = compute_features(
        renderer,
        signal,
        signal_name(signal, denoiser_hash),
        out / SIGNALS,
        features,
        workers=workers,
        progress=progress,
    )
    network = fit_compact(FeatureSource(computed), signal.parts, out, recipe, progress=progress)
    info = _describe(recipe, renderer, pools, denoiser_hash, features=asdict(features))
    info["signal"] = signal.parts
    write_text(out / RUN_FILE, json.dumps(info, indent=2) + "\n")
    return Run(signal, network, info)


def run_paper(
    pools: Sequence[Path],
    photos_folder: Path,
    out: Path,
    recipe: PaperRecipe,
    denoiser: nn.Module,
    *,
    rendering: RenderRecipe,
    workers: int = 1,
    device: str = "cpu",
    progress: Progress = silent,
) -> Run:
    """Render, then train on spectra computed on the fly. Every stage resumes by itself from `out`.

    Spectra and training are computed on `device`, renders on the CPU. Of the processes that
    `torchrun` starts, each takes its part; the first one writes.

    Raises ValueError when two pools have the same folder name, or when `device` is a GPU that
    torch does not see.
    """
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"torch {torch.__version__} sees no GPU: leave out device {device!r}")
    with joined(device) as (processes, own_device):
        renderer, denoiser_hash = prepare(
            pools, photos_folder, out, denoiser, rendering, recipe.held_out
        )
        signal = frozen(recipe.signal(denoiser))
        told = progress if processes.first else silent
        source = RenderingSource(
            renderer, signal, out / RENDERS, device=own_device, workers=workers, progress=told
        )
        torch.manual_seed(recipe.seed)
        network = recipe.network(signal.parts)
        train_by_step(
            *(network, source, out, recipe),
            device=own_device,
            processes=processes,
            progress=told,
        )
        info = _describe(recipe, renderer, pools, denoiser_hash)
        if processes.first:
            write_text(out / RUN_FILE, json.dumps(info, indent=2) + "\n")
        return Run(signal.cpu(), network, info)


def load_run(out: Path) -> Run:
    """Read a finished run.

    Raises FileNotFoundError when it has not finished.
    """
    if not (out / RUN_FILE).exists():
        raise FileNotFoundError(f"{out} holds no finished run; `trainer extractor` resumes it")
    info = json.loads((out / RUN_FILE).read_text())
    recipe = METHODS[info["method"]].from_dict(info["recipe"])
    signal = frozen(recipe.signal(network_from_state(load_file(out / DENOISER_FILE))))
    network = recipe.network(signal.parts)
    network.load_state_dict(load_file(out / NETWORK))
    return Run(signal, network.eval(), info)


def _describe(
    recipe: CompactRecipe | PaperRecipe,
    renderer: Renderer,
    pools: Sequence[Path],
    denoiser_hash: str,
    **more: Any,
) -> dict[str, Any]:
    """What made a run, as `run.json` holds it."""
    made_of = {
        "method": recipe.method,
        "recipe": asdict(recipe),
        "rendering": asdict(renderer.recipe),
        "photographs": {"digest": renderer.photos.digest, "shrink": [MIN_SHRINK, MAX_SHRINK]},
        "denoiser": denoiser_hash,
        "synthesis": {pool.name: pool_recipe(pool) for pool in pools},
        **more,
    }
    models = zip(renderer.models, renderer.entries, strict=True)
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    for model, (_, entry) in models:
        digest.update(f"{model}:{entry.recipe_hash}".encode())
    return made_of | {
        "pools": [str(pool) for pool in pools],
        "models": len(renderer.models),
        "models_by_pool": dict(Counter(model.pool for model in renderer.models)),
        "recipe_hash": digest.hexdigest()[:16],
        "versions": {name: metadata.version(name) for name in ("torch", "numpy", "pillow")},
    }
