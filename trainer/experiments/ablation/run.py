"""Train every variant at the same budget, score it on all image sets; each is kept when done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from trainer.calibration import CalibrationRecipe
from trainer.evaluation import ImageSet, score
from trainer.experiments.ablation.cache import Subset
from trainer.experiments.ablation.convolutions import ConvolutionRecipe, train_convolutions
from trainer.experiments.ablation.intervals import fnmr_interval
from trainer.experiments.ablation.signals import (
    Signals,
    embed_signals,
    image_set_digest,
    image_signals,
)
from trainer.experiments.ablation.variants import PIXELS, RUN, Variant
from trainer.experiments.cache import cache_key, kept_json
from trainer.extractor import CompactNet, CompactRecipe, fit_compact, held_out_models
from trainer.extractor.paper.log import read_logs
from trainer.extractor.saved import restore_network
from trainer.extractor.source import Source
from trainer.extractor.validation import held_out_auc
from trainer.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class Laboratory:
    """What variants are trained and scored with.

    Attributes:
        sources: training signals by name (`Variant.source`), each with a key of what made it.
        signals: the module that makes the signal of each kind, RUN or PIXELS, with its key.
        image_sets: real images by name, only ever scored on.
        folder: keeps networks, results and the real images' signals.
        galleries, pairs: of the protocol.
    """

    sources: Mapping[str, tuple[Source, str]]
    signals: Mapping[str, tuple[nn.Module, str]]
    image_sets: Mapping[str, ImageSet]
    folder: Path
    galleries: int = 20
    pairs: int = 5000


@dataclass(frozen=True)
class Result:
    """A variant with one seed.

    `models` it was trained on; `parameters` of the network; `held_out_auc` on synthetic models
    never trained on (None where there are too few); `seconds` of training; `scores` by image
    set (`Scores.to_dict`); `fnmr` likewise, the interval of the FNMR at FMR 1 %.
    """

    label: str
    seed: int
    models: int
    parameters: int
    held_out_auc: float | None
    seconds: float
    scores: dict[str, dict[str, Any]]
    fnmr: dict[str, tuple[float, float]]


def run_variants(
    laboratory: Laboratory,
    variants: Sequence[Variant],
    seeds: Sequence[int] = (0,),
    *,
    progress: Progress = silent,
) -> list[Result]:
    """All variants with the first seed, then with the next one.

    A network is kept by what made it, so that questions that share a variant and a folder train it
    once; a network killed in training goes on from its checkpoint.

    Raises ValueError when a variant has too few models to train on.
    """
    digests = {
        name: image_set_digest(image_set) for name, image_set in laboratory.image_sets.items()
    }
    results = []
    for seed in seeds:
        for variant in variants:
            results.append(_run(laboratory, variant, seed, digests, progress))
            progress("variants", len(results), len(seeds) * len(variants))
    return results


def _run(
    laboratory: Laboratory,
    variant: Variant,
    seed: int,
    digests: Mapping[str, str],
    progress: Progress,
) -> Result:
    recipe = replace(variant.recipe, seed=seed)
    source, source_key = laboratory.sources[variant.source]
    kept = variant.kept or tuple(range(source.variants))
    models = [source.models[i] for i in variant.rows]
    training = ~held_out_models(models, recipe.held_out)
    if training.sum() < 2:
        raise ValueError(f"{variant.label}: {training.sum()} models to train on, 2 at least")
    chosen = Subset(source, variant.rows, kept, _blocks(recipe, int(training.sum()), source))
    names = [str(model) for model in models]
    made_from = (recipe.method, asdict(recipe), names, kept, chosen.blocks, source_key)
    network_key = cache_key(*made_from)
    protocol = [variant.windows, variant.pooled, laboratory.galleries, laboratory.pairs]
    path = laboratory.folder / "results" / f"{cache_key(network_key, protocol, digests)}.json"
    folder = laboratory.folder / "networks" / network_key

    def compute() -> dict[str, Any]:
        return asdict(
            _train_and_score(laboratory, variant, seed, recipe, chosen, folder, progress)
        )

    return Result(**kept_json(path, compute) | {"label": variant.label})


def _train_and_score(
    laboratory: Laboratory,
    variant: Variant,
    seed: int,
    recipe: CompactRecipe | ConvolutionRecipe,
    chosen: Subset,
    folder: Path,
    progress: Progress,
) -> Result:
    signal, signal_key = laboratory.signals[PIXELS if variant.source == PIXELS else RUN]
    started = time.monotonic()
    network = recipe.network(signal.parts)
    if not restore_network(network, folder, recipe):
        network = _train(chosen, signal.parts, folder, recipe, progress)
        for checkpoint in folder.rglob("checkpoint.pt"):
            checkpoint.unlink()
    network.eval()
    logs = read_logs(folder).values()
    held = held_out_models(chosen.models, recipe.held_out)
    auc = held_out_auc(network, chosen, np.flatnonzero(held))
    scores, fnmr, constant = {}, {}, CalibrationRecipe().constant
    for name, image_set in laboratory.image_sets.items():
        signals: Signals = image_signals(
            image_set,
            signal,
            signal_key,
            variant.windows,
            laboratory.folder / "signals",
            progress=progress,
        )
        embeddings = embed_signals(network, signals, variant.pooled, constant=constant)
        found = score(
            embeddings, image_set.decoders, galleries=laboratory.galleries, pairs=laboratory.pairs
        )
        scores[name] = found.to_dict()
        fnmr[name] = fnmr_interval(embeddings)
    return Result(
        variant.label,
        seed,
        int((~held).sum()),
        sum(parameter.numel() for parameter in network.parameters()),
        None if np.isnan(auc) else auc,
        sum(float(rows[-1]["seconds"]) for rows in logs) or time.monotonic() - started,
        scores,
        fnmr,
    )


def _train(
    source: Source,
    parts: dict[str, tuple[int, ...]],
    folder: Path,
    recipe: CompactRecipe | ConvolutionRecipe,
    progress: Progress,
) -> CompactNet:
    if isinstance(recipe, ConvolutionRecipe):
        return train_convolutions(source, parts, folder, recipe, progress=progress)
    return fit_compact(source, parts, folder, recipe, progress=progress)


def _blocks(recipe: CompactRecipe | ConvolutionRecipe, models: int, source: Source) -> int | None:
    """Content blocks that batches are drawn from; a fit in closed form draws none."""
    if not isinstance(recipe, ConvolutionRecipe):
        return None
    blocks = max(1, models // max(1, recipe.descent.sampler.models // 2))
    return min(blocks, int(source.block.max()) + 1)
