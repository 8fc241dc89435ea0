"""Train an extractor (paper III-C)."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import PhotosOption, app
from trainer.cli.shared.options import ShardOption


class Method(StrEnum):
    """The two extractors: `compact` is the one we ship."""

    compact = "compact"
    paper = "paper"


@app.command()
def extractor(
    pool: Annotated[list[Path], typer.Option(help="Pool of synthetic models; repeatable.")],
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the run; a killed run resumes.")],
    recipe: Annotated[Method, typer.Option(help="`compact` is what we ship.")] = Method.compact,
    denoiser: Annotated[
        Path | None,
        typer.Option(
            help="Denoiser weights: a file, or `student` or `dncnn`, which are in the package. "
            "Default: `student` for compact, `dncnn` for paper."
        ),
    ] = None,
    images: Annotated[int, typer.Option(help="Images rendered per model.", min=4)] = 12,
    blocks: Annotated[
        int, typer.Option(help="Content blocks: models of a block see the same crops.", min=1)
    ] = 100,
    variants: Annotated[
        int | None,
        typer.Option(
            help="compact: copies of an image, of plain, JPEG, at will, faint.", min=1, max=4
        ),
    ] = None,
    photographs: Annotated[
        int | None,
        typer.Option(help="compact: crops that no model renders, which tell contents.", min=0),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="paper: training steps.", min=1)] = None,
    width: Annotated[
        int | None, typer.Option(help="paper: channels of the first layer, 64 in full.", min=1)
    ] = None,
    batch_models: Annotated[
        int | None, typer.Option(help="paper: models a batch, of four images each.", min=2)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="paper: peak learning rate.", min=0.0)
    ] = None,
    device: Annotated[str | None, typer.Option(help="paper: cpu or cuda.")] = None,
    workers: Annotated[int, typer.Option(help="Cores that render and transform.", min=1)] = 2,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.", min=0)] = 0,
    shard: ShardOption = None,
) -> None:
    """Train a fingerprint extractor on synthetic models only (paper III-C).

    With --shard only the signals (paper: renders) of a share of the models are computed, into the
    same folder, which several processes may fill at once. Without it the rest follows.

    The paper's recipe also runs under torchrun, on several processes or machines.
    """
    from trainer.denoiser import load_weights
    from trainer.extractor import (
        CompactRecipe,
        FeatureRecipe,
        PaperRecipe,
        RenderRecipe,
        plot_losses,
        run_compact,
        run_paper,
        share_compact,
        share_paper,
    )
    from trainer.extractor.paper.processes import launched
    from trainer.progress import bars

    rendering = RenderRecipe(images=images, blocks=blocks)
    with bars() as progress:
        if recipe == Method.compact:
            _refuse(
                recipe,
                steps=steps,
                width=width,
                batch_models=batch_models,
                learning_rate=learning_rate,
                device=device,
            )
            if launched().count > 1:
                raise typer.BadParameter("torchrun does nothing for --recipe compact: see --shard")
            compact = CompactRecipe(seed=seed)
            weights = load_weights(denoiser or "student")
            options: dict[str, Any] = {
                "rendering": rendering,
                "features": replace(
                    FeatureRecipe(), **_given(variants=variants, photographs=photographs)
                ),
                "workers": workers,
                "progress": progress,
            }
            if shard is None:
                run_compact(pool, photos, out, compact, weights, **options)
            else:
                share_compact(pool, photos, out, compact, weights, shard, **options)
        else:
            _refuse(recipe, variants=variants, photographs=photographs)
            changes = _given(
                steps=steps, width=width, models=batch_models, learning_rate=learning_rate
            )
            paper = replace(PaperRecipe(seed=seed), **changes)
            weights = load_weights(denoiser or "dncnn")
            options = {"rendering": rendering, "workers": workers, "progress": progress}
            if shard is None:
                run_paper(pool, photos, out, paper, weights, device=device or "cpu", **options)
            else:
                share_paper(pool, photos, out, paper, weights, shard, **options)
    if shard is not None:
        say(f"{out}: shard {shard} is computed; without --shard the training takes it from there")
        return
    if not launched().first:
        return
    say(f"{out}: finished")
    if (drawn := plot_losses(out)) is not None:
        say(f"losses drawn in {drawn}")


def _given(**options: float | None) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _refuse(method: Method, **options: object) -> None:
    """An option without effect would leave its user with another model than was asked for."""
    for name, value in options.items():
        if value is not None:
            option = name.replace("_", "-")
            raise typer.BadParameter(
                f"--{option} does nothing for --recipe {method}: leave it out"
            )
