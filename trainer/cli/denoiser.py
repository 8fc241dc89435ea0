"""Train the denoiser and its student (paper III-C)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.shared.app import PhotosOption, app


@app.command()
def denoiser(
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the denoiser; a killed run resumes.")],
    steps: Annotated[int, typer.Option(help="Steps of the teacher.", min=25)] = 2000,
    student_steps: Annotated[int, typer.Option(help="Steps of the student.", min=25)] = 4000,
    student_crops: Annotated[int, typer.Option(help="Crops the student learns.", min=1)] = 800,
    depth: Annotated[int, typer.Option(help="Layers of the teacher.", min=3)] = 17,
    width: Annotated[int, typer.Option(help="Channels of the teacher.", min=1)] = 64,
    student_depth: Annotated[int, typer.Option(help="Layers of the student.", min=2)] = 4,
    student_width: Annotated[int, typer.Option(help="Channels of the student.", min=1)] = 16,
    batch: Annotated[int, typer.Option(help="Patches a step.", min=1)] = 8,
    side: Annotated[int, typer.Option(help="Side of a patch in pixels.")] = 96,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(help="Seed of weights, patches and noise.", min=0)] = 0,
) -> None:
    """Train the denoiser and its cheap student (paper III-C)."""
    from trainer.denoiser import DenoiserRecipe, make_denoiser
    from trainer.images.photos import load_photos
    from trainer.progress import bars

    recipe = DenoiserRecipe(
        depth=depth,
        width=width,
        student_depth=student_depth,
        student_width=student_width,
        steps=steps,
        student_steps=student_steps,
        student_crops=student_crops,
        batch=batch,
        side=side,
        learning_rate=learning_rate,
        seed=seed,
    )
    with bars() as progress:
        photographs = load_photos(photos, side=max(128, side))
        report = make_denoiser(photographs, out, recipe, progress=progress)
    typer.echo(
        f"teacher  {report.teacher_macs / 1e6:10.1f} M multiply-accumulates at 128 px\n"
        f"student  {report.student_macs / 1e6:10.1f} M, {report.ratio:.1f} times fewer\n"
        f"residual spectra on {report.held_out_photographs} held-out photographs: log power "
        f"correlation {report.agreement.correlation:.4f}, mean absolute log difference "
        f"{report.agreement.mean_log_difference:.4f}"
    )
