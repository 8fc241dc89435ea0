"""Fit the compact network to synthetic models and photographs, in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.extractor.compact.discriminant import Discriminant
from trainer.extractor.compact.heads import Head, Seen
from trainer.extractor.compact.network import CompactNet
from trainer.extractor.compact.recipe import CompactRecipe
from trainer.extractor.saved import restore_network, save_network
from trainer.extractor.source import Source
from trainer.extractor.validation import held_out_auc, held_out_models
from trainer.progress import Progress, silent


def fit_compact(
    source: Source,
    parts: dict[str, tuple[int, ...]],
    out: Path,
    recipe: CompactRecipe,
    *,
    progress: Progress = silent,
) -> CompactNet:
    """Fit every head and put them side by side; returns the network in eval mode.

    `out` holds a folder for each head (`head_folders`) and at the end `network.safetensors` and
    `recipe.json`. A killed run goes on from there: a finished head is not fitted again.

    Raises ValueError when `out` holds a run with another recipe.
    """
    torch.manual_seed(recipe.seed)
    network = recipe.network(parts)
    held = held_out_models(source.models, recipe.held_out)
    standardise(network, source, np.flatnonzero(~held), recipe.sample, recipe.seed)
    folders = head_folders(out, recipe.heads)
    for i, (head, folder) in enumerate(zip(recipe.heads, folders, strict=True)):
        alone, seen = network.alone(i), Seen(source, parts, head)
        own = replace(recipe, heads=(head,))
        if not restore_network(alone, folder, own):
            _fit_head(alone, seen, np.flatnonzero(~held), recipe)
            save_network(alone, folder, own)
        auc = held_out_auc(alone.eval(), seen, np.flatnonzero(held))
        progress("heads", i + 1, len(folders), held_out_auc=auc)
    save_network(network, out, recipe)
    return network.eval()


def standardise(
    network: CompactNet, source: Source, models: np.ndarray, count: int, seed: int
) -> None:
    """Let `network` measure its input on `count` random signals of `models`, in any variant."""
    rng = np.random.default_rng(seed)
    model, image = rng.choice(models, count), rng.integers(source.images, size=(count, 1))
    variant = rng.integers(source.variants, size=count)
    network.fit_input(source.fetch(model, image, variant))


def head_folders(out: Path, heads: Sequence[Head]) -> list[Path]:
    """Where each head is kept."""
    return [out / "heads" / f"{i}-{'-'.join(head.parts)}" for i, head in enumerate(heads)]


def signals_of(source: Source, models: np.ndarray) -> Iterator[Tensor]:
    """The signal of every image in every variant of each of `models`: (images · variants, …)."""
    image, variant = (x.ravel() for x in np.mgrid[: source.images, : source.variants])
    return (source.fetch(np.full_like(image, m), image[:, None], variant) for m in models)


def _fit_head(alone: CompactNet, seen: Seen, models: np.ndarray, recipe: CompactRecipe) -> None:
    """Fit the discriminant of a network of one head to every image of `models`."""
    (head,) = alone.heads
    assert isinstance(head, Discriminant)
    found = (seen.photographs(variant) for variant in range(seen.variants))
    head.fit(
        (alone.split(signal) for signal in signals_of(seen, models)),
        recipe.shrinkage,
        (alone.split(signal) for signal in found if signal is not None),
        recipe.contents_weight,
    )
