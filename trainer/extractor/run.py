"""One training run: pool and photographs in, a network and all that made it out.

`RUN/` holds `render/` and `features/` (caches, safe to delete when done), `heads/` with the
weights of each head, checkpoint, log and `losses.png` of what is trained step by step (the paper's
network, here), `residual.safetensors` (the denoiser's weights), `network.safetensors` and
`run.json`, which is what `load_run` and `export-onnx` read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from trainer.checkpoint import read_csv_log
from trainer.denoiser import network_from_state
from trainer.extractor.compact.recipe import ExtractorRecipe
from trainer.extractor.features import FeatureRecipe, compute_features
from trainer.extractor.paper.train import build_network, head_folders, train_extractor
from trainer.extractor.rendering import RenderRecipe, make_renderer
from trainer.extractor.source import FeatureSource, RenderingSource, Source
from trainer.images.photos import load_photos
from trainer.signal import CompactSignal, PaperSpectrum, signal_name

Progress = Callable[[str, int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Run:
    """A finished run. `info` is `run.json`: recipes, pools, hashes, versions."""

    signal: nn.Module
    network: nn.Module
    info: dict[str, Any]


def run_extractor(
    pools: list[Path],
    photos_folder: Path,
    out: Path,
    recipe: ExtractorRecipe,
    residual: nn.Module,
    *,
    rendering: RenderRecipe,
    features: FeatureRecipe,
    workers: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Run:
    """Render, compute features, train. Every stage resumes by itself from `out`.

    Training by steps, and the paper's signal, are computed on `device`, the rest on the CPU.

    Raises ValueError when two pools have the same folder name, since caches know models by it, or
    when `device` is a GPU that torch does not see.
    """
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"torch {torch.__version__} sees no GPU: leave out device {device!r}")
    if len({pool.name for pool in pools}) < len(pools):
        raise ValueError("two pools have the same folder name; rename one of them")

    def stage(name: str) -> Callable[..., None]:
        def update(done: int, total: int, numbers: dict[str, float] | None = None) -> None:
            if progress is not None:
                progress(name, done, total, numbers or {})

        return update

    photos = load_photos(photos_folder, side=rendering.side)
    training_photos, _ = photos.split(recipe.held_out)  # the rest calibrates
    out.mkdir(parents=True, exist_ok=True)
    save_file(residual.state_dict(), out / "residual.safetensors")
    residual_hash = hashlib.sha256((out / "residual.safetensors").read_bytes()).hexdigest()[:16]
    signal = build_signal(recipe, residual)
    renderer = make_renderer(pools, training_photos, rendering)
    if recipe.name == "paper":
        source: Source = RenderingSource(
            renderer, signal, out / "render", device=device, workers=workers
        )
    else:
        computed = compute_features(
            renderer,
            signal,
            signal_name(signal, residual_hash),
            out / "features",
            features,
            workers=workers,
            progress=stage("features"),
        )
        source = FeatureSource(computed)
    network = train_extractor(
        source, signal.parts, out, recipe, device=device, progress=stage("training")
    )
    made_from = zip(renderer.models, renderer.entries, strict=True)
    info = {
        "recipe": asdict(recipe),
        "rendering": asdict(rendering),
        "features": asdict(features),
        "pools": [str(pool) for pool in pools],
        "models": len(renderer.models),
        "models_by_pool": dict(Counter(name.split("/")[0] for name in renderer.models)),
        "residual": residual_hash,
        "photos": photos.digest,
        "recipe_hash": recipe.hash(
            residual_hash,
            photos.digest,
            json.dumps([asdict(rendering), asdict(features)], sort_keys=True),
            *(f"{model}:{entry.recipe_hash}" for model, (_, entry) in made_from),
        ),
        "versions": {name: metadata.version(name) for name in ("torch", "numpy", "pillow")},
    }
    temporary = out / "run.json.tmp"
    temporary.write_text(json.dumps(info, indent=2))
    temporary.replace(out / "run.json")
    return Run(signal.cpu(), network, info)


def load_run(out: Path) -> Run:
    """Read a finished run.

    Raises FileNotFoundError when it has not finished.
    """
    if not (out / "run.json").exists():
        raise FileNotFoundError(f"{out} holds no finished run; `trainer extractor` resumes it")
    info = json.loads((out / "run.json").read_text())
    recipe = ExtractorRecipe.from_dict(info["recipe"])
    residual = network_from_state(load_file(out / "residual.safetensors"))
    signal = build_signal(recipe, residual)
    network = build_network(recipe, signal.parts)
    network.load_state_dict(load_file(out / "network.safetensors"))
    return Run(signal.eval(), network.eval(), info)


def build_signal(recipe: ExtractorRecipe, residual: nn.Module) -> nn.Module:
    """The recipe's signal, frozen."""
    if recipe.name == "paper":
        signal: nn.Module = PaperSpectrum(residual)
    else:
        signal = CompactSignal(residual)
    return signal.eval().requires_grad_(False)


def read_logs(out: Path, recipe: ExtractorRecipe) -> dict[str, list[dict[str, str]]]:
    """The rows of every `log.csv` of a training, by head; linear heads take no steps."""
    if recipe.name == "paper":
        return {out.name: read_csv_log(out / "log.csv")}
    folders = zip(recipe.heads, head_folders(out, recipe), strict=True)
    return {f.name: read_csv_log(f / "log.csv") for head, f in folders if not head.linear}


def plot_losses(out: Path) -> Path | None:
    """Draw the logs as `losses.png`: each head's loss on the left, held-out AUC on the right.

    None where all heads are linear: they have no losses.
    """
    from matplotlib.figure import Figure

    recipe = ExtractorRecipe.from_dict(json.loads((out / "recipe.json").read_text()))
    logs = read_logs(out, recipe)
    if not logs:
        return None
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, rows in logs.items():
        steps = [int(row["step"]) for row in rows]
        left.plot(steps, [float(row["loss"]) for row in rows], label=name)
        right.plot(steps, [float(row["held_out_auc"]) for row in rows])
    left.set(xlabel="step", ylabel="loss", yscale="log")
    left.legend(fontsize="small")
    right.set(xlabel="step", ylabel="verification AUC, held-out synthetic models")
    figure.savefig(out / "losses.png", dpi=120)
    return out / "losses.png"
