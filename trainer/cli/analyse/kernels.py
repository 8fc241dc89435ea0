"""Kernels and the maps they make (paper, Fig. 6)."""

from __future__ import annotations

from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.analyse.options import (
    PoolOption,
    SeedOption,
    SideOption,
    StepsOption,
    TrainOption,
    WidthOption,
    generator_recipe,
)
from trainer.cli.shared.app import PhotosOption
from trainer.cli.shared.options import OutOption


def kernels(
    photos: PhotosOption,
    out: OutOption,
    pool: PoolOption = None,
    architectures: Annotated[
        int, typer.Option(help="Architectures of the pool, two models each.", min=0)
    ] = 3,
    images: Annotated[int, typer.Option(help="Images averaged per model.", min=1)] = 32,
    steps: StepsOption = 300,
    side: SideOption = 64,
    width: WidthOption = 8,
    seed: SeedOption = 0,
    full: TrainOption = False,
) -> None:
    """Spectrum of last-layer kernels against that of their feature maps (Fig. 6)."""
    from dataclasses import replace

    from trainer.experiments.analysis import kernels_page, pool_kernels, trained_kernels
    from trainer.experiments.page import write_experiment
    from trainer.images.photos import load_photos
    from trainer.progress import bars

    photographs = load_photos(photos)
    groups = {}
    scale = f"{images} images a model."
    base = generator_recipe(full, steps, side, width)
    with bars() as progress:
        if base.steps:
            recipes = [replace(base, upsampling="bilinear", seed=seed + i) for i in range(2)]
            groups["small generator"] = trained_kernels(
                photographs,
                recipes,
                images=images,
                progress=progress,
            )
            scale += (
                f" Two generators of {base.side} px trained for {base.steps} steps; the paper "
                "compares two StyleGAN2 of 1024 px (FFHQ and FFHQ-U). --full trains 40,000 steps, "
                "128 px, 64 channels, for a GPU."
            )
        if pool is not None and architectures:
            groups |= pool_kernels(
                pool, photographs, architectures=architectures, images=images, seed=seed
            )
            scale += (
                f" {architectures} architectures of the pool, drawn at random, two models each."
            )
    say(f"{write_experiment(out, kernels_page(groups, scale))}")
