"""Train an extractor and write it as a model folder (paper III-C)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.shared.app import PhotosOption, app


@app.command()
def extractor(
    pool: Annotated[list[Path], typer.Option(help="Pool of synthetic models; repeatable.")],
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the run; a killed run resumes.")],
    recipe: Annotated[str, typer.Option(help="`compact` (we ship it) or `paper`.")] = "compact",
    residual: Annotated[
        Path | None, typer.Option(help="Denoiser weights; default: the ones in the package.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Override the recipe's steps.", min=1)] = None,
    images: Annotated[int, typer.Option(help="Images rendered per model.", min=4)] = 12,
    variants: Annotated[
        int,
        typer.Option(help="Copies of an image: plain, JPEG, at will, faint.", min=1, max=4),
    ] = 4,
    photographs: Annotated[
        int, typer.Option(help="Crops that no model renders: what contents look like.", min=0)
    ] = 16_000,
    blocks: Annotated[
        int, typer.Option(help="Content blocks: models of a block see the same crops.", min=1)
    ] = 100,
    workers: Annotated[int, typer.Option(help="Cores that render and transform.", min=1)] = 2,
    device: Annotated[str, typer.Option(help="cpu or cuda; what takes steps runs there.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)] = 0,
) -> None:
    """Train a fingerprint extractor on synthetic models only (paper III-C)."""
    from dataclasses import replace

    from trainer.denoiser import load_weights
    from trainer.extractor import RECIPES, FeatureRecipe, RenderRecipe, plot_losses, run_extractor
    from trainer.progress import bars

    if recipe not in RECIPES:
        raise typer.BadParameter(f"{recipe!r} is not one of {', '.join(RECIPES)}")
    chosen = replace(RECIPES[recipe], seed=seed, steps=steps or RECIPES[recipe].steps)
    network = load_weights(residual or ("dncnn" if recipe == "paper" else "student"))
    with bars() as update:
        run_extractor(
            pool,
            photos,
            out,
            chosen,
            network,
            rendering=RenderRecipe(images=images, blocks=blocks),
            features=FeatureRecipe(variants=variants, photographs=photographs),
            workers=workers,
            device=device,
            progress=lambda stage, done, total, numbers: update(stage, done, total, **numbers),
        )
    typer.echo(f"{out}: finished")
    if (drawn := plot_losses(out)) is not None:
        typer.echo(f"losses drawn in {drawn}")


@app.command()
def export_onnx(
    run: Annotated[Path, typer.Argument(help="Folder of a finished `trainer extractor` run.")],
    out: Annotated[Path, typer.Option(help="Folder of the model, e.g. zoo/NAME.")],
    photos: PhotosOption,
    version: Annotated[str, typer.Option(help="Version of the model.")] = "1.0.0",
    license: Annotated[str, typer.Option(help="Licence of the weights.")] = "Apache-2.0",
    models: Annotated[int, typer.Option(help="Held-out models to calibrate on.", min=2)] = 120,
) -> None:
    """Calibrate a run on held-out models and write it as one ONNX file."""
    from trainer.export.run import export_run
    from trainer.progress import bar

    with bar("calibration") as update:
        path = export_run(
            run, out, photos, version=version, license=license, models=models, progress=update
        )
    typer.echo(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, parity with torch checked")


@app.command()
def card(
    model: Annotated[Path, typer.Argument(help="Folder of the model, e.g. zoo/NAME.")],
    scores: Annotated[Path, typer.Option(help="JSON of `trainer evaluate --out`.", exists=True)],
    run: Annotated[Path | None, typer.Option(help="Run the model came from.")] = None,
) -> None:
    """Write a model's card from its scores."""
    from trainer.export.card import write_card

    info = json.loads((run / "run.json").read_text()) if run is not None else None
    typer.echo(f"{write_card(model, scores, info)}")
