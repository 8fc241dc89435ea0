"""Whose fingerprint the last blocks carry (paper, Fig. 7)."""

from __future__ import annotations

from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.analyse.options import (
    SeedOption,
    SideOption,
    StepsOption,
    TrainOption,
    WidthOption,
    generator_recipe,
)
from trainer.cli.shared.app import PhotosOption
from trainer.cli.shared.options import DenoiserOption, OutOption


def blocks(
    photos: PhotosOption,
    out: OutOption,
    images: Annotated[
        int, typer.Option(help="Images of each model per test, and as many to train.", min=10)
    ] = 300,
    steps: StepsOption = 300,
    side: SideOption = 64,
    width: WidthOption = 8,
    denoiser: DenoiserOption = "student",
    seed: SeedOption = 0,
    full: TrainOption = False,
) -> None:
    """Exchange the last blocks of two models: whose fingerprint remains? (Fig. 7)"""
    from dataclasses import replace

    from trainer.denoiser import load_weights
    from trainer.experiments.analysis import blocks_page, swap_blocks, train_generator
    from trainer.experiments.page import write_experiment
    from trainer.images.photos import load_photos
    from trainer.progress import bars

    base = generator_recipe(full, steps, side, width)
    if full:
        images, denoiser = 1000, "dncnn"
    network, photographs = load_weights(denoiser), load_photos(photos)
    tests = {}
    with bars() as progress:
        for upsampling in ("nearest", "bilinear"):
            pair = []
            for i in range(2):
                recipe = replace(base, upsampling=upsampling, seed=seed + i)
                pair.append(train_generator(photographs, recipe, progress=progress))
            tests[upsampling] = swap_blocks(pair[0], pair[1], network, images=images)
    scale = (
        f"Two pairs of generators of {base.side} px, {base.steps} steps each, seeds {seed} and "
        f"{seed + 1}; {images} images of each per test; logistic regression on the log residual "
        "spectrum. The paper exchanges blocks of ProGANs of 128 px and trains a network: --full "
        "trains generators of that size for 40,000 steps, for a GPU."
    )
    page = write_experiment(out, blocks_page(tests, scale))
    for name, swaps in tests.items():
        say(
            f"{name}: whole {100 * swaps[0].follows_last:.1f} % right; last block exchanged: "
            f"{100 * swaps[1].follows_last:.1f} % follow it"
        )
    say(f"{page}")
