"""One question from a run's folder to a page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from trainer.evaluation import read_image_set
from trainer.experiments.ablation.cache import Cache, read_cache, reconstruction_errors
from trainer.experiments.ablation.convolutions import DESCENT, ConvolutionRecipe
from trainer.experiments.ablation.page import experiment
from trainer.experiments.ablation.questions import QUESTIONS
from trainer.experiments.ablation.rendering import (
    make_subset_renderer,
    mixed,
    rendered_pixels,
    rendered_signals,
)
from trainer.experiments.ablation.run import Laboratory, run_variants
from trainer.experiments.ablation.signals import Pixels
from trainer.experiments.ablation.variants import PIXELS, RUN, Setting, rendered_anew
from trainer.experiments.page import Experiment
from trainer.extractor.source import Source
from trainer.progress import Progress, silent

CACHE = ".ablation"
"""In the output folder, so that a killed command goes on and questions share networks."""


def ablate(
    question: str,
    run: Path,
    images: Sequence[Path],
    out: Path,
    *,
    steps: int | None = None,
    seeds: Sequence[int] = (0,),
    pools: Sequence[Path] = (),
    photos: Sequence[Path] = (),
    equal: bool = True,
    limit: int = 240,
    rgb: bool = False,
    decoders: Path | None = None,
    galleries: int = 20,
    pairs: int = 5000,
    progress: Progress = silent,
) -> Experiment:
    """Train and score the variants of `question`; the page of what was found.

    Args:
        question: a name in `QUESTIONS`.
        run: folder of a `trainer extractor` run whose `features` are complete.
        images: image sets of real generators, FOLDER/GENERATOR/IMAGE, for measuring only.
        out: keeps networks and results in a hidden folder.
        steps: of every variant that is trained by steps; None for the recipe's own.
        seeds: of weights, batches and draws of models; every variant is trained with each.
        pools: the run's pools of synthetic models, in place of those that `run.json` names.
        photos: folders of other photographs (`photos`), or the run's own (`signal` with `rgb`).
        equal: equalise the number of models of reduced families.
        limit: training models where they must be rendered anew (`photos`, `signal` with `rgb`).
        rgb: whether `signal` also compares pixels.
        decoders, galleries, pairs: see `trainer.evaluation`.
        progress: called with a stage's title, and how much of it is done and to do.

    Raises:
        ValueError, FileNotFoundError: what the question needs is not there.
    """
    if question not in QUESTIONS:
        raise ValueError(f"{question!r} is no question; choose from {', '.join(QUESTIONS)}")
    if not images:
        raise ValueError("give an image set of real generators to score on by --images")
    real = {folder.resolve().name: read_image_set(folder, decoders) for folder in images}
    if len(real) < len(images):
        raise ValueError("two image sets have the same folder name; rename one of them")
    cache = read_cache(run)
    convolutions = ConvolutionRecipe()
    if steps is not None:
        descent = replace(convolutions.descent, steps=steps)
        convolutions = replace(convolutions, descent=descent)
    folder = out / CACHE
    setting = Setting(
        cache.source.models,
        convolutions=convolutions,
        variants=cache.source.variants,
        equal=equal,
        limit=limit,
        pixels=rgb and question == "signal",
    )
    if int(setting.training.sum()) < 2:
        raise ValueError(f"{run} has too few models outside the held-out architectures")
    where = tuple(pools) or cache.pools
    if question == "reconstruction":
        setting = replace(setting, errors=reconstruction_errors(setting.models, where))
    sources: dict[str, tuple[Source, str]] = {RUN: (cache.source, _digest(cache))}
    signals: dict[str, tuple[nn.Module, str]] = {RUN: (cache.signal, cache.plan["signal"])}
    if question == "photos":
        others = _other_photographs(cache, setting, where, photos, folder, progress)
        sources |= others
        setting = replace(setting, rendered=tuple(others))
    if setting.pixels:
        sources[PIXELS] = _pixels(cache, setting, where, photos, folder)
        signals[PIXELS] = (Pixels(), "pixels")
    asked = QUESTIONS[question]
    variants = asked.variants(setting)
    laboratory = Laboratory(sources, signals, real, folder, galleries, pairs)
    results = []
    for seed in seeds:
        # Models are drawn anew with each seed, but for those that had to be rendered.
        drawn = setting if setting.pixels or setting.rendered else replace(setting, seed=seed)
        results += run_variants(laboratory, asked.variants(drawn), (seed,), progress=progress)
    scale = _scale(setting, cache, seeds, real)
    return experiment(
        question, asked.title, asked.reproduces, scale, variants, results, _notes(asked.variants)
    )


def _other_photographs(
    cache: Cache,
    setting: Setting,
    pools: Sequence[Path],
    photos: Sequence[Path],
    folder: Path,
    progress: Progress,
) -> dict[str, tuple[Source, str]]:
    """A source for each folder of photographs, and one of all of them together."""
    models, sources = rendered_anew(setting), {}
    for path in photos:
        renderer = make_subset_renderer(cache, models, pools, path, setting.base.held_out)
        name = f"{path.resolve().name} ({len(renderer.photos)} photographs)"
        place = folder / f"features-{renderer.photos.digest}"

        source = rendered_signals(cache, renderer, place, progress=progress)
        sources[name] = (source, _hash(source.values[:, 0, 0], renderer.photos.digest))
    if len(sources) > 1:
        parts = list(sources.values())
        together = mixed([source for source, _ in parts])
        sources["these together"] = (together, _hash(together.values[:, -1, 0], *sources))
    return dict(sources)


def _pixels(
    cache: Cache,
    setting: Setting,
    pools: Sequence[Path],
    photos: Sequence[Path],
    folder: Path,
) -> tuple[Source, str]:
    if len(photos) != 1:
        raise ValueError("pixels need the run's own photographs: give their folder by --photos")
    renderer = make_subset_renderer(
        cache, rendered_anew(setting), pools, photos[0], setting.base.held_out
    )
    source = rendered_pixels(cache, renderer, folder / "pixels")
    return source, _hash(source.pixels[:, 0], "pixels")


def _scale(
    setting: Setting, cache: Cache, seeds: Sequence[int], real: Mapping[str, object]
) -> str:
    descent, sampler = setting.convolutions.descent, setting.convolutions.descent.sampler
    training = int(setting.training.sum())
    batch = f"{sampler.models}×{sampler.images}"
    text = (
        f"Linear heads in closed form, convolutions in {descent.steps} steps of {batch} images; "
        f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}; at most "
        f"{training} models to train on, {len(setting.models) - training} held out, "
        f"{cache.source.images} images of each; content blocks merged where a variant has few "
        f"models; scored on {', '.join(real)}. The paper trains "
        "40,000 steps on 5,760 models and scores 1,000 images a generator."
    )
    if descent.steps >= DESCENT.steps:
        return text
    return f"{text} --full takes {DESCENT.steps} steps."


def _notes(function: Callable[..., object]) -> list[str]:
    """What the question's own description says of its lines."""
    text = " ".join((function.__doc__ or "").split())
    return [text] if text else []


def _digest(cache: Cache) -> str:
    """Of the run's signals: their recipe, and one image of each model."""
    return _hash(cache.source.values[:, 0, 0], json.dumps(cache.plan, sort_keys=True))


def _hash(values: np.ndarray, *texts: str) -> str:
    digest = hashlib.sha256("\n".join(texts).encode())
    digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]
