"""What each layer does to the spectrum (paper, Figs. 3 to 5)."""

from __future__ import annotations

from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.analyse.options import (
    GENERATORS,
    PoolOption,
    SamplesOption,
    SeedOption,
    SideOption,
    StepsOption,
    TrainOption,
    WidthOption,
    generator_recipe,
)
from trainer.cli.shared.app import PhotosOption
from trainer.cli.shared.options import DenoiserOption, OutOption, WorstErrorOption


def components(
    photos: PhotosOption,
    out: OutOption,
    pool: PoolOption = None,
    models: Annotated[int, typer.Option(help="Models of the pool; 0 for all.", min=0)] = 400,
    images: Annotated[int, typer.Option(help="Images rendered per model.", min=1)] = 16,
    worst_error: WorstErrorOption = 0.06,
    steps: StepsOption = 150,
    seeds: Annotated[int, typer.Option(help="Generators of each kind.", min=1)] = 3,
    side: SideOption = 64,
    width: WidthOption = 8,
    samples: SamplesOption = 128,
    denoiser: DenoiserOption = "student",
    seed: SeedOption = 0,
    full: TrainOption = False,
) -> None:
    """Upsampling, activation and normalisation against the 1-D spectrum (Figs. 3-5)."""
    from trainer.denoiser import load_weights
    from trainer.experiments.analysis import (
        ProfileRecipe,
        compare_seeds,
        components_page,
        generator_effects,
        plan,
        pool_effects,
        pool_profiles,
        train_and_profile,
    )
    from trainer.experiments.page import write_experiment
    from trainer.images.photos import load_photos
    from trainer.progress import bars

    base = generator_recipe(full, steps, side, width)
    if full:
        models, samples, denoiser = 0, 1000, "dncnn"
    network, photographs = load_weights(denoiser), load_photos(photos)
    in_pool = trained = None
    scale = [f"Residuals by the {denoiser} denoiser."]
    with bars() as progress:
        if base.steps:
            found = train_and_profile(
                photographs,
                plan(base, seeds),
                network,
                images=samples,
                progress=progress,
            )
            trained = found, generator_effects(found, base), compare_seeds(found, base)
            scale.append(
                f"{len(found.recipes)} generators of {base.side} px and {base.width} channels, "
                f"{base.steps} steps each, {samples} samples of each. {GENERATORS}"
            )
        if pool is not None:
            recipe = ProfileRecipe(
                images=images,
                models=models or None,
                worst_error=worst_error,
                seed=seed,
            )
            profiles = pool_profiles(
                pool,
                photographs,
                network,
                recipe,
                progress=progress,
            )
            in_pool = profiles, pool_effects(profiles)
            scale.append(
                f"{len(profiles)} of the pool's {profiles.available} models, {images} images of "
                "128 px each; --models 0 takes all, as --full does."
            )
    page = components_page(in_pool, trained, " ".join(scale))
    say(f"{write_experiment(out, page)}")
