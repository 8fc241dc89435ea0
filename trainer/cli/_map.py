"""Map the embeddings of real images (paper, Fig. 13)."""

from __future__ import annotations

from typing import Annotated

import typer

from trainer.cli._app import app
from trainer.cli._laboratory import (
    CACHE,
    DecodersOption,
    FullOption,
    ImagesOption,
    ModelsOption,
    OutOption,
)


@app.command()
def embed_map(
    model: ModelsOption,
    images: ImagesOption,
    out: OutOption,
    decoders: DecodersOption = None,
    limit: Annotated[int, typer.Option(help="Images of each generator.", min=2)] = 15,
    full: FullOption = False,
    perplexity: Annotated[float, typer.Option(help="Of t-SNE.", min=2)] = 30.0,
    by_decoder: Annotated[
        bool, typer.Option("--by-decoder", help="Colour by decoder, not by generator.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the layout.", min=0)] = 0,
) -> None:
    """Map embeddings by t-SNE, and by UMAP when umap-learn is installed (paper, Fig. 13)."""
    from trainer.cli._laboratory import load_models
    from trainer.laboratory import map_experiment as run
    from trainer.page import write_experiment
    from trainer.progress import bars

    with bars() as update:
        experiment = run(
            load_models(model),
            images,
            decoders,
            limit=None if full else limit,
            perplexity=perplexity,
            by_decoder=by_decoder,
            seed=seed,
            cache=out / CACHE,
            progress=update,
        )
    typer.echo(f"{write_experiment(out, experiment)}")
