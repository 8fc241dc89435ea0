"""Where fingerprints come from: the paper's section III-A as commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.shared.app import PhotosOption, app

if TYPE_CHECKING:
    from trainer.experiments.analysis import GeneratorRecipe

analyse_app = typer.Typer(no_args_is_help=True, help="Where fingerprints come from (paper III-A).")
app.add_typer(analyse_app, name="analyse")

OutOption = Annotated[Path, typer.Option(help="Folder for JSON, pictures and page.")]
ResidualOption = Annotated[
    str, typer.Option(help="`student`, `dncnn` (the paper's) or a safetensors file.")
]
PoolOption = Annotated[
    Path | None, typer.Option(help="Pool made by `trainer synthesize`.", exists=True)
]
StepsOption = Annotated[int, typer.Option(help="Training steps of a small generator.", min=0)]
SideOption = Annotated[int, typer.Option(help="Side of its images, a power of two.", min=16)]
WidthOption = Annotated[int, typer.Option(help="Channels of its last block.", min=1)]
WorstOption = Annotated[
    float, typer.Option(help="Leave out models whose mean squared error exceeds this.")
]
SamplesOption = Annotated[int, typer.Option(help="Images drawn from each generator.", min=2)]
SeedOption = Annotated[int, typer.Option(help="Seed of crops and generators.", min=0)]
TrainOption = Annotated[
    bool,
    typer.Option("--full", help="The paper's scale: 40,000 steps, 128 px, 64 channels (GPU)."),
]
_GENERATORS = (
    "The paper trains ProGAN and SNGAN on CelebA at 128 px: --full trains 40,000 steps, 128 px, "
    "64 channels, for a GPU."
)


@analyse_app.command()
def spectrum(
    images: Annotated[
        list[Path], typer.Option(help="Image set FOLDER/GENERATOR/IMAGE; repeatable.", exists=True)
    ],
    out: OutOption,
    photos: Annotated[
        Path | None, typer.Option(help="Photographs, drawn as a reference.", exists=True)
    ] = None,
    per_generator: Annotated[
        int, typer.Option(help="Images of each generator; 0 for all.", min=0)
    ] = 24,
    windows: Annotated[int, typer.Option(help="128 px windows an image.", min=1, max=9)] = 3,
    residual: ResidualOption = "student",
    examples: Annotated[
        bool, typer.Option(help="Show an image of each generator in the picture.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every image, 9 windows, the paper's denoiser (GPU).")
    ] = False,
) -> None:
    """Averaged spectra of generators, and their reduction to 1-D (Fig. 2, eq. 1)."""
    import numpy as np

    from trainer.denoiser import load_weights
    from trainer.experiments.analysis import (
        ImagePowers,
        average,
        image_powers,
        residual_power,
        spectrum_page,
        uniqueness,
    )
    from trainer.experiments.page import write_experiment
    from trainer.images.photos import load_photos
    from trainer.progress import bar

    if full:
        per_generator, windows, residual = 0, 9, "dncnn"
    network = load_weights(residual)
    with bar("spectra") as update:
        found = image_powers(
            images,
            network,
            images=per_generator or None,
            windows_per_image=windows,
            progress=update,
        )
    reference = None
    if photos is not None:
        crops = load_photos(photos).crops(64, 128, np.random.default_rng(0))
        powers = residual_power(crops, network)
        reference = average(ImagePowers("photographs", powers, crops[0].transpose(1, 2, 0)))
    counted = sum(len(g.powers) for g in found)
    scale = (
        f"{counted} images by {len(found)} generators, up to {windows} windows of 128 px each, "
        f"residuals by the {residual} denoiser. The paper averages whole images of 1,000 per "
        "model: --full takes all there are, nine windows of each, and its denoiser."
    )
    unique = uniqueness(found)
    shown = [g.example for g in found] if examples else None
    page = spectrum_page([average(g) for g in found], unique, reference, scale, shown)
    typer.echo(
        f"{write_experiment(out, page)}: {100 * unique.matched:.0f} % of half averages find "
        f"their own other half (chance {100 * unique.chance:.0f} %)"
    )


@analyse_app.command()
def components(
    photos: PhotosOption,
    out: OutOption,
    pool: PoolOption = None,
    models: Annotated[int, typer.Option(help="Models of the pool; 0 for all.", min=0)] = 400,
    images: Annotated[int, typer.Option(help="Images rendered per model.", min=1)] = 16,
    worst_residual: WorstOption = 0.06,
    steps: StepsOption = 150,
    seeds: Annotated[int, typer.Option(help="Generators of each kind.", min=1)] = 3,
    side: SideOption = 64,
    width: WidthOption = 8,
    samples: SamplesOption = 128,
    residual: ResidualOption = "student",
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

    base = _generator(full, steps, side, width)
    if full:
        models, samples, residual = 0, 1000, "dncnn"
    network, photographs = load_weights(residual), load_photos(photos)
    in_pool = trained = None
    scale = [f"Residuals by the {residual} denoiser."]
    with bars() as update:
        if base.steps:
            found = train_and_profile(
                photographs,
                plan(base, seeds),
                network,
                images=samples,
                progress=lambda done, total: update("generators", done, total),
            )
            trained = found, generator_effects(found, base), compare_seeds(found, base)
            scale.append(
                f"{len(found.recipes)} generators of {base.side} px and {base.width} channels, "
                f"{base.steps} steps each, {samples} samples of each. {_GENERATORS}"
            )
        if pool is not None:
            recipe = ProfileRecipe(
                images=images,
                models=models or None,
                worst_residual=worst_residual,
                seed=seed,
            )
            profiles = pool_profiles(
                pool,
                photographs,
                network,
                recipe,
                progress=lambda done, total: update("synthetic models", done, total),
            )
            in_pool = profiles, pool_effects(profiles)
            scale.append(
                f"{len(profiles)} of the pool's {profiles.available} models, {images} images of "
                "128 px each; --models 0 takes all, as --full does."
            )
    page = components_page(in_pool, trained, " ".join(scale))
    typer.echo(f"{write_experiment(out, page)}")


@analyse_app.command()
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
    base = _generator(full, steps, side, width)
    with bars() as update:
        if base.steps:
            recipes = [replace(base, upsampling="bilinear", seed=seed + i) for i in range(2)]
            groups["small generator"] = trained_kernels(
                photographs,
                recipes,
                images=images,
                progress=lambda done, total: update("generators", done, total),
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
    typer.echo(f"{write_experiment(out, kernels_page(groups, scale))}")


@analyse_app.command()
def blocks(
    photos: PhotosOption,
    out: OutOption,
    images: Annotated[
        int, typer.Option(help="Images of each model per test, and as many to train.", min=10)
    ] = 300,
    steps: StepsOption = 300,
    side: SideOption = 64,
    width: WidthOption = 8,
    residual: ResidualOption = "student",
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

    base = _generator(full, steps, side, width)
    if full:
        images, residual = 1000, "dncnn"
    network, photographs = load_weights(residual), load_photos(photos)
    tests = {}
    with bars() as update:
        for upsampling in ("nearest", "bilinear"):
            pair = []
            for i in range(2):
                recipe = replace(base, upsampling=upsampling, seed=seed + i)
                title = f"{upsampling} {i + 1}"
                pair.append(
                    train_generator(
                        photographs,
                        recipe,
                        progress=lambda done, total, title=title, **numbers: update(
                            title, done, total, **numbers
                        ),
                    )
                )
            tests[upsampling] = swap_blocks(pair[0], pair[1], network, images=images)
    scale = (
        f"Two pairs of generators of {base.side} px, {base.steps} steps each, seeds {seed} and "
        f"{seed + 1}; {images} images of each per test; logistic regression on the log residual "
        "spectrum. The paper exchanges blocks of ProGANs of 128 px and trains a network: --full "
        "trains generators of that size for 40,000 steps, for a GPU."
    )
    page = write_experiment(out, blocks_page(tests, scale))
    for name, swaps in tests.items():
        typer.echo(
            f"{name}: whole {100 * swaps[0].follows_last:.1f} % right; last block exchanged: "
            f"{100 * swaps[1].follows_last:.1f} % follow it"
        )
    typer.echo(f"{page}")


def _generator(full: bool, steps: int, side: int, width: int) -> GeneratorRecipe:
    """As the options ask for, or at the paper's scale and on the GPU where there is one."""
    from trainer.experiments.analysis import GeneratorRecipe

    if not full:
        return GeneratorRecipe(steps=steps, side=side, width=width)
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return GeneratorRecipe(steps=40_000, side=128, width=64, device=device)
