"""Fidelity and diversity of a pool of synthetic models (paper IV-B)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import PhotosOption, app
from trainer.cli.shared.options import DenoiserOption, OutOption, WorstErrorOption


@app.command()
def fidelity(
    pool: Annotated[Path, typer.Option(help="Pool made by `trainer synthesize`.", exists=True)],
    photos: PhotosOption,
    real: Annotated[
        list[Path],
        typer.Option(help="Images by real generators, FOLDER/GENERATOR/IMAGE; repeatable."),
    ],
    out: OutOption,
    models: Annotated[int, typer.Option(help="Models of the pool; 0 for all.", min=0)] = 600,
    seeds: Annotated[int, typer.Option(help="Models per architecture; 0 for all.", min=0)] = 2,
    images: Annotated[int, typer.Option(help="Images per model.", min=1)] = 12,
    worst_error: WorstErrorOption = 0.06,
    dimensions: Annotated[
        int | None, typer.Option(help="Principal components of the volume.", min=1)
    ] = None,
    denoiser: DenoiserOption = "student",
    seed: Annotated[int, typer.Option(help="Seed of crops and draws.", min=0)] = 0,
    full: Annotated[
        bool, typer.Option("--full", help="Every model, 100 images, the paper's denoiser (GPU).")
    ] = False,
) -> None:
    """Distance to real generators, and volume, of each reduced family (Table II, Fig. 12)."""
    import numpy as np

    from trainer.denoiser import load_weights
    from trainer.experiments.analysis import (
        ProfileRecipe,
        fidelity_page,
        image_powers,
        log_profile,
        measure_fidelity,
        pool_profiles,
    )
    from trainer.experiments.page import write_experiment
    from trainer.images.photos import load_photos
    from trainer.progress import bars

    if full:
        models, seeds, images, denoiser = 0, 0, 100, "dncnn"
    network = load_weights(denoiser)
    recipe = ProfileRecipe(
        images=images,
        seeds=seeds or None,
        models=models or None,
        worst_error=worst_error,
        seed=seed,
    )
    with bars() as progress:
        generators = image_powers(
            real,
            network,
            images=images,
            windows_per_image=3,
            progress=progress,
        )
        found = pool_profiles(
            pool,
            load_photos(photos),
            network,
            recipe,
            progress=progress,
        )
    profiles = np.array([log_profile(g.powers.mean(axis=0)) for g in generators])
    result = measure_fidelity(found, profiles, dimensions=dimensions, seed=seed)
    names = [g.name for g in generators]
    scale = (
        f"{len(found)} of the pool's {found.available} models and {len(names)} real generators, "
        f"{images} images of each, residuals by the {denoiser} denoiser. The paper's scale is "
        "5,760 models and 25 generators with 100 images each: --full takes every model, as many "
        "images and its denoiser."
    )
    page = write_experiment(out, fidelity_page(result, names, scale))
    whole = result.families[0]
    say(f"{page}: FFD {whole.distance:.3f} of {whole.models} models")
