"""Train every variant at the same budget, score it on all image sets; each is kept when done."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from torch import nn

from trainer.calibration import CONSTANT
from trainer.evaluation import ImageSet, score
from trainer.experiments.ablation.cache import Subset
from trainer.experiments.ablation.intervals import fnmr_interval
from trainer.experiments.ablation.signals import (
    Signals,
    embed_signals,
    image_set_digest,
    image_signals,
)
from trainer.experiments.ablation.variants import PIXELS, RUN, Variant
from trainer.extractor import held_out_models, train_extractor
from trainer.extractor.paper.train import build_network
from trainer.extractor.run import read_logs
from trainer.extractor.source import Source
from trainer.extractor.validation import held_out_auc

Progress = Callable[..., None]


@dataclass(frozen=True, eq=False)
class Laboratory:
    """What variants are trained and scored with.

    Attributes:
        sources: training signals by name (`Variant.source`), each with a key of what made it.
        signals: the module that makes the signal of each kind, RUN or PIXELS, with its key.
        pools: real images by name, only ever scored on.
        folder: keeps networks, results and the real images' signals.
        galleries, pairs: of the protocol.
    """

    sources: Mapping[str, tuple[Source, str]]
    signals: Mapping[str, tuple[nn.Module, str]]
    pools: Mapping[str, ImageSet]
    folder: Path
    galleries: int = 20
    pairs: int = 5000


@dataclass(frozen=True)
class Result:
    """A variant with one seed.

    `models` it was trained on; `parameters` of the network; `held_out_auc` on synthetic models
    never trained on (None where there are too few); `seconds` of training; `scores` by pool
    (`Scores.as_dict`); `fnmr` by pool, the interval of the FNMR at FMR 1 %.
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
    progress: Progress | None = None,
) -> list[Result]:
    """All variants with the first seed, then with the next one.

    A network is kept by what made it, so that questions that share a variant and a folder train it
    once; a network killed in training goes on from its checkpoint.

    Raises ValueError when a variant has too few models to train on.
    """
    digests = {name: image_set_digest(pool) for name, pool in laboratory.pools.items()}
    results = []
    for seed in seeds:
        for variant in variants:
            title = f"{variant.label}, seed {seed}"
            show = _shown(progress, title)
            results.append(_run(laboratory, variant, seed, digests, show, progress))
            if progress is not None:
                progress("variants", len(results), len(seeds) * len(variants))
    return results


def _run(
    laboratory: Laboratory,
    variant: Variant,
    seed: int,
    digests: Mapping[str, str],
    show: Progress,
    progress: Progress | None,
) -> Result:
    recipe = replace(variant.recipe, seed=seed)
    source, source_key = laboratory.sources[variant.source]
    kept = variant.kept or tuple(range(source.variants))
    names = [source.models[i] for i in variant.rows]
    training = ~held_out_models(tuple(names), recipe.held_out)
    if training.sum() < 2:
        raise ValueError(f"{variant.label}: {training.sum()} models to train on, 2 at least")
    blocks = max(1, int(training.sum()) // max(1, recipe.sampler.models // 2))
    chosen = Subset(source, variant.rows, kept, min(blocks, int(source.block.max()) + 1))
    network_key = _key(
        {**asdict(recipe), "checkpoint_seconds": 0}, names, kept, chosen.blocks, source_key
    )
    protocol = [variant.windows, variant.pooled, laboratory.galleries, laboratory.pairs]
    path = laboratory.folder / "results" / f"{_key(network_key, protocol, dict(digests))}.json"
    if path.exists():
        return Result(**json.loads(path.read_text()) | {"label": variant.label})

    folder = laboratory.folder / "networks" / network_key
    kind = PIXELS if variant.source == PIXELS else RUN
    signal, signal_key = laboratory.signals[kind]
    started = time.monotonic()
    weights = folder / "network.safetensors"
    if weights.exists():
        network = build_network(recipe, signal.parts)
        network.load_state_dict(load_file(weights))
        network.eval()
    else:
        network = train_extractor(chosen, signal.parts, folder, recipe, progress=show)
        (folder / "models.json").write_text(json.dumps(names))
        for checkpoint in folder.rglob("checkpoint.pt"):
            checkpoint.unlink()
    logs = read_logs(folder, recipe).values()
    held = held_out_models(chosen.models, recipe.held_out)
    auc = held_out_auc(network, chosen, np.flatnonzero(held))
    scores, fnmr = {}, {}
    for name, pool in laboratory.pools.items():
        shown = _shown(progress, f"signals of {name}")
        signals: Signals = image_signals(
            pool,
            signal,
            signal_key,
            variant.windows,
            laboratory.folder / "signals",
            progress=shown,
        )
        embeddings = embed_signals(network, signals, variant.pooled, constant=CONSTANT)
        found = score(
            embeddings, pool.decoders, galleries=laboratory.galleries, pairs=laboratory.pairs
        )
        scores[name] = found.as_dict()
        fnmr[name] = fnmr_interval(embeddings)
    result = Result(
        variant.label,
        seed,
        int(training.sum()),
        sum(parameter.numel() for parameter in network.parameters()),
        None if np.isnan(auc) else auc,
        sum(float(rows[-1]["seconds"]) for rows in logs) or time.monotonic() - started,
        scores,
        fnmr,
    )
    _write(path, json.dumps(asdict(result)))
    return result


def _shown(progress: Progress | None, title: str) -> Progress:
    def show(done: int, total: int, numbers: Mapping[str, float] | None = None) -> None:
        if progress is not None:
            progress(title, done, total, **(numbers or {}))

    return show


def _key(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)
