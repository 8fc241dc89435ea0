"""Score a model on real generators (paper IV)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fingerprint_sdk.cli.shared.output import say
from trainer.cli.shared.app import app
from trainer.cli.shared.options import DecodersOption, ImagesOption

if TYPE_CHECKING:
    from fingerprint_sdk import Extractor


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="Model name, folder or ONNX file.")],
    images: ImagesOption | None = None,
    decoders: DecodersOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores as JSON.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Folder for a page of the scores, for `trainer report`.")
    ] = None,
    galleries: Annotated[int, typer.Option(help="Random galleries.", min=1)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs of either kind.", min=1)] = 5000,
    known: Annotated[
        Path | None,
        typer.Option(
            help="Score the built-in gallery instead, on FOLDER/FAMILY/SOURCE/IMAGE: each source "
            "is left out of it when its images are looked up.",
            exists=True,
        ),
    ] = None,
    processed: Annotated[
        list[str] | None,
        typer.Option(
            "--as", help="What probes of --known become: jpeg85, webp80, scale0.7; repeatable."
        ),
    ] = None,
    families: Annotated[
        Path, typer.Option(help="TOML that describes the families of --known.")
    ] = Path("zoo/known.toml"),
    fpir: Annotated[
        float | None, typer.Option(help="FPIR of --known; default: the model's.")
    ] = None,
) -> None:
    """Score a model on images of real generators (paper, section IV), or its built-in gallery."""
    import fingerprint_sdk
    from trainer.evaluation import evaluate as run
    from trainer.evaluation import print_table, write_json
    from trainer.progress import bars

    loaded = fingerprint_sdk.load(model)
    if known is not None:
        _known(loaded, known, families, processed, fpir, out)
        return
    if not images:
        raise ValueError("give --images, or --known")
    scores = {}
    with bars() as progress:
        for folder in images:
            scores[folder.name] = run(
                loaded, folder, decoders, galleries=galleries, pairs=pairs, progress=progress
            )
    print_table(scores)
    if out is not None:
        write_json(out, scores)
    if page is not None:
        from trainer.experiments.page import write_experiment
        from trainer.experiments.scores_page import scores_experiment

        say(f"{write_experiment(page, scores_experiment(scores))}")


def _known(
    extractor: Extractor,
    folder: Path,
    families: Path,
    processed: list[str] | None,
    fpir: float | None,
    out: Path | None,
) -> None:
    import json

    import fingerprint_sdk
    from fingerprint_sdk.files import write_text
    from trainer.known import read_families
    from trainer.known.evaluate import AS, evaluate_known
    from trainer.known.table import print_known

    gallery = fingerprint_sdk.known(extractor)
    described = read_families(families)
    scores = [
        evaluate_known(gallery, folder, described, processed=one, fpir=fpir)
        for one in processed or AS
    ]
    print_known(scores)
    if out is not None:
        document = {
            "model": {"name": extractor.name, "version": extractor.version,
                      "sha256": extractor.model_sha256},
            "processed": [one.to_dict() for one in scores],
        }  # fmt: skip
        write_text(out, json.dumps(document, indent=2, allow_nan=False) + "\n")
