"""Map the embeddings of real images (paper, Fig. 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import (
    CACHE,
    DecodersOption,
    ImagesOption,
    ModelsOption,
    OutOption,
)

if TYPE_CHECKING:
    from trainer.experiments.rivals import Rival


@app.command()
def embed_map(
    model: ModelsOption,
    images: ImagesOption,
    out: OutOption,
    rival: Annotated[
        list[str] | None,
        typer.Option(
            help="Rival of `trainer compare`, trained on half of the generators, the other half "
            "is shown; repeatable."
        ),
    ] = None,
    rival_steps: Annotated[int | None, typer.Option(help="Its training steps.", min=1)] = None,
    decoders: DecodersOption = None,
    limit: Annotated[int, typer.Option(help="Images of each generator.", min=2)] = 15,
    full: Annotated[
        bool, typer.Option("--full", help="Every image; rivals at their papers' scale (GPU).")
    ] = False,
    perplexity: Annotated[float, typer.Option(help="Of t-SNE.", min=2)] = 30.0,
    by_decoder: Annotated[
        bool, typer.Option("--by-decoder", help="Colour by decoder, not by generator.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the layout.", min=0)] = 0,
) -> None:
    """Map embeddings by t-SNE, and by UMAP when umap-learn is installed (paper, Fig. 13)."""
    from trainer.cli.shared.options import load_models
    from trainer.experiments.embed_map.page import map_experiment as run
    from trainer.experiments.page import write_experiment
    from trainer.progress import bars

    with bars() as progress:
        experiment = run(
            load_models(model),
            images,
            decoders,
            rivals=_rivals(rival or [], rival_steps, full),
            limit=None if full else limit,
            perplexity=perplexity,
            by_decoder=by_decoder,
            seed=seed,
            cache=out / CACHE,
            progress=progress,
        )
    say(f"{write_experiment(out, experiment)}")


def _rivals(names: list[str], steps: int | None, full: bool) -> dict[str, Rival]:
    if not names:
        return {}
    from dataclasses import replace

    from trainer.experiments.rivals import FULL, MINUTES, make_rival

    budget = FULL if full else MINUTES
    budget = replace(budget, steps=steps or budget.steps)
    return {name: make_rival(name, budget, full=full) for name in names}
