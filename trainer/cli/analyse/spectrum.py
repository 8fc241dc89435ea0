"""Averaged spectra (paper, Fig. 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.options import DenoiserOption, ImagesOption, OutOption


def spectrum(
    images: ImagesOption,
    out: OutOption,
    photos: Annotated[
        Path | None, typer.Option(help="Photographs, drawn as a reference.", exists=True)
    ] = None,
    per_generator: Annotated[
        int, typer.Option(help="Images of each generator; 0 for all.", min=0)
    ] = 24,
    windows: Annotated[int, typer.Option(help="128 px windows an image.", min=1, max=9)] = 3,
    denoiser: DenoiserOption = "student",
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
    from trainer.progress import bars

    if full:
        per_generator, windows, denoiser = 0, 9, "dncnn"
    network = load_weights(denoiser)
    with bars() as progress:
        found = image_powers(
            images,
            network,
            images=per_generator or None,
            windows_per_image=windows,
            progress=progress,
        )
    reference = None
    if photos is not None:
        crops = load_photos(photos).crops(64, 128, np.random.default_rng(0))
        powers = residual_power(crops, network)
        reference = average(ImagePowers("photographs", powers, crops[0].transpose(1, 2, 0)))
    counted = sum(len(g.powers) for g in found)
    scale = (
        f"{counted} images by {len(found)} generators, up to {windows} windows of 128 px each, "
        f"residuals by the {denoiser} denoiser. The paper averages whole images of 1,000 per "
        "model: --full takes all there are, nine windows of each, and its denoiser."
    )
    unique = uniqueness(found)
    shown = [g.example for g in found] if examples else None
    page = spectrum_page([average(g) for g in found], unique, reference, scale, shown)
    say(
        f"{write_experiment(out, page)}: {100 * unique.matched:.0f} % of half averages find "
        f"their own other half (chance {100 * unique.chance:.0f} %)"
    )
