"""Sources beyond the run's cache: the same models on other photographs, and as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer.experiments.ablation.cache import Cache
from trainer.experiments.ablation.signals import Pixels
from trainer.extractor import FeatureRecipe, Features, Renderer, RenderRecipe, compute_features
from trainer.extractor.rendering import make_renderer
from trainer.extractor.source import FeatureSource, RenderingSource
from trainer.images.photos import load_photos
from trainer.progress import Progress, silent
from trainer.synthesis import ModelId


def make_subset_renderer(
    cache: Cache,
    models: Sequence[ModelId],
    pools: Sequence[Path],
    photos: Path,
    held_out: float,
) -> Renderer:
    """Renders `models`, in this order, on the training share of `photos`, as the run did.

    Raises ValueError when a model is in none of `pools`.
    """
    recipe = RenderRecipe(**cache.plan["rendering"])
    training, _ = load_photos(photos, side=recipe.side).split(held_out)
    whole = make_renderer(list(pools), training, recipe)
    place = {name: i for i, name in enumerate(whole.models)}
    if missing := [name for name in models if name not in place]:
        raise ValueError(f"{missing[0]} is in none of the pools; give all the run's by --pool")
    rows = [place[name] for name in models]
    entries = tuple(whole.entries[i] for i in rows)
    return Renderer(entries, tuple(models), whole.block[rows], training, recipe)


def rendered_signals(
    cache: Cache, renderer: Renderer, out: Path, *, progress: Progress = silent
) -> FeatureSource:
    """Their signals, made as the run's were, kept in `out`."""
    recipe = FeatureRecipe.from_dict(cache.plan["features"])
    key = cache.plan["signal"]
    return FeatureSource(
        compute_features(renderer, cache.signal, key, out, recipe, progress=progress)
    )


def mixed(sources: Sequence[FeatureSource]) -> FeatureSource:
    """Of every source as large a share of each model's images, as many in all as one has.

    Likewise of the photographs that no model made.
    """
    share = max(1, sources[0].images // len(sources))
    values = np.concatenate([source.values[:, :share] for source in sources], axis=1)
    crops = [source.crops[:: len(sources)] for source in sources if source.crops is not None]
    photographs = np.concatenate(crops) if crops else None
    return FeatureSource(Features(values, sources[0].models, sources[0].block, photographs))


def rendered_pixels(cache: Cache, renderer: Renderer, out: Path) -> RenderingSource:
    """The models' images as they are (Table VI, RGB).

    Raises ValueError when the photographs are not the run's: contents would differ then.
    """
    if renderer.photos.digest != cache.plan["photos"]:
        raise ValueError("pixels need the run's own photographs: give their folder by --photos")
    return RenderingSource(renderer, Pixels(), out)
