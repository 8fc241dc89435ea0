"""Figs. 3 to 5: what upsampling, activation and normalisation do to the reduced spectrum.

Measured twice: across the synthetic models of a pool, where every other choice varies too, and
across small generators that differ in one layer only (`generators`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from trainer.experiments.analysis.generators import (
    ACTIVATIONS,
    NORMALISATIONS,
    UPSAMPLINGS,
    GeneratorRecipe,
    train_generator,
)
from trainer.experiments.analysis.profiles import ModelProfiles
from trainer.experiments.analysis.residuals import frequencies, high, log_profile, residual_power
from trainer.images.photos import Photos
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXES = {"upsampling": UPSAMPLINGS, "activation": ACTIVATIONS, "normalisation": NORMALISATIONS}
FIGURES = {"upsampling": "Fig. 3", "activation": "Fig. 4", "normalisation": "Fig. 5"}


@dataclass(frozen=True)
class Effect:
    """What one axis does to log10 reduced spectra.

    For each value of the axis: `mean` and `deviation` (count,) over its models, `high` the mean
    over the top quarter of the frequencies, `models` how many. `explained` in [0, 1] is the share
    of the variance of all profiles, summed over frequencies, that lies between the values (η²).
    """

    axis: str
    mean: dict[str, np.ndarray]
    deviation: dict[str, np.ndarray]
    high: dict[str, float]
    models: dict[str, int]
    explained: float


@dataclass(frozen=True)
class Seeds:
    """Fig. 5's claim in numbers: RMS distance of log10 profiles of generators.

    `within` pairs share the normalisation and differ in seed, `between` pairs differ in both.
    """

    within: float
    between: float


def effect(axis: str, values: list[str], profiles: np.ndarray) -> Effect:
    """Group log profiles (M, count) by the M `values` of one axis."""
    labels = np.array(values)
    names = sorted(set(values), key=_order(axis))
    groups = {name: profiles[labels == name] for name in names}
    centred = profiles - profiles.mean(axis=0)
    total = float((centred**2).sum())
    between = sum(
        len(group) * float(((group.mean(axis=0) - profiles.mean(axis=0)) ** 2).sum())
        for group in groups.values()
    )
    return Effect(
        axis,
        {name: group.mean(axis=0) for name, group in groups.items()},
        {name: group.std(axis=0) for name, group in groups.items()},
        {name: float(high(group).mean()) for name, group in groups.items()},
        {name: len(group) for name, group in groups.items()},
        between / total if total else 0.0,
    )


def pool_effects(found: ModelProfiles) -> list[Effect]:
    """The effect of each axis across a pool."""
    return [
        effect(axis, [str(getattr(a, axis)) for a in found.architectures], found.profiles)
        for axis in AXES
    ]


@dataclass(frozen=True)
class GeneratorProfiles:
    """Log10 reduced spectra of the generators trained here; `reference` that of photographs."""

    recipes: tuple[GeneratorRecipe, ...]
    profiles: np.ndarray
    reference: np.ndarray


def plan(base: GeneratorRecipe, seeds: int) -> list[GeneratorRecipe]:
    """The generators to train: the base and each single change of it, `seeds` times."""
    found: dict[GeneratorRecipe, None] = {}
    for seed in range(seeds):
        for axis, values in AXES.items():
            for value in values:
                found[replace(base, seed=seed, **{axis: value})] = None  # type: ignore[arg-type]
    return list(found)


def train_and_profile(
    photos: Photos,
    recipes: list[GeneratorRecipe],
    denoiser: nn.Module,
    *,
    images: int,
    progress: Progress = silent,
) -> GeneratorProfiles:
    """Train each generator and reduce the averaged residual spectrum of `images` samples."""
    profiles = []
    for i, recipe in enumerate(recipes):
        generator = train_generator(photos, recipe)
        samples = generator.sample(images, seed=1)
        profiles.append(log_profile(residual_power(samples, denoiser).mean(axis=0)))
        progress("generators", i + 1, len(recipes))
    crops = photos.crops(images, recipes[0].side, np.random.default_rng(1))
    reference = log_profile(residual_power(crops, denoiser).mean(axis=0))
    return GeneratorProfiles(tuple(recipes), np.array(profiles), reference)


def generator_effects(found: GeneratorProfiles, base: GeneratorRecipe) -> list[Effect]:
    """The effect of each axis across the generators that differ from `base` in it alone."""
    effects = []
    for axis in AXES:
        rows = [i for i, r in enumerate(found.recipes) if _only(r, base, axis)]
        values = [getattr(found.recipes[i], axis) for i in rows]
        effects.append(effect(axis, values, found.profiles[rows]))
    return effects


def compare_seeds(found: GeneratorProfiles, base: GeneratorRecipe) -> Seeds | None:
    """Distances within and between normalisations; None when there is one seed only."""
    rows = [i for i, r in enumerate(found.recipes) if _only(r, base, "normalisation")]
    within, between = [], []
    for n, i in enumerate(rows):
        for j in rows[n + 1 :]:
            a, b = found.recipes[i], found.recipes[j]
            if a.seed == b.seed:
                continue
            difference = found.profiles[i] - found.profiles[j]
            pair = within if a.normalisation == b.normalisation else between
            pair.append(float(np.sqrt((difference**2).mean())))
    if not within or not between:
        return None
    return Seeds(float(np.mean(within)), float(np.mean(between)))


def draw_effects(effects: list[Effect], reference: np.ndarray) -> Figure:
    """One panel an axis: the mean of each value, a band of one deviation, and the photographs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.4), layout="constrained")
    axes = figure.subplots(1, len(effects), sharey=True)
    x = frequencies(len(reference))[1:]
    for axis, found in zip(axes, effects, strict=True):
        for name, mean in found.mean.items():
            label = f"{name} ({found.models[name]})"
            (line,) = axis.plot(x, mean[1:], label=label)
            low, up = mean - found.deviation[name], mean + found.deviation[name]
            axis.fill_between(x, low[1:], up[1:], alpha=0.12, color=line.get_color(), linewidth=0)
        axis.plot(x, reference[1:], "k:", label="photographs")
        axis.set_title(f"{FIGURES[found.axis]}: {found.axis}")
        axis.set_xlabel("ω (cycles per pixel)")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, title="mean of (models)", title_fontsize=8)
    axes[0].set_ylabel("log10 AI(ω) of the residual")
    return figure


def _only(recipe: GeneratorRecipe, base: GeneratorRecipe, axis: str) -> bool:
    return recipe == replace(base, seed=recipe.seed, **{axis: getattr(recipe, axis)})


def _order(axis: str) -> Callable[[str], tuple[int, str]]:
    known = ("none", *AXES[axis])
    return lambda name: (known.index(name) if name in known else len(known), name)
