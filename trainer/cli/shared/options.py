"""Options that the laboratory's commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.shard import Shard

if TYPE_CHECKING:
    from fingerprint_sdk import Extractor

CACHE = ".embeddings"
"""In the output folder, so that a killed command resumes and others share its embeddings."""

ModelsOption = Annotated[
    list[str], typer.Option(help="Model name, folder or ONNX file; repeatable.")
]
ImagesOption = Annotated[
    list[Path], typer.Option(help="Image set FOLDER/GENERATOR/IMAGE; repeatable.", exists=True)
]
ImageSetOption = Annotated[
    Path, typer.Option("--images", help="Image set FOLDER/GENERATOR/IMAGE.", exists=True)
]
SeenOption = Annotated[
    list[str] | None, typer.Option("--seen", help="A seen generator; repeatable.")
]
DecodersOption = Annotated[
    Path | None, typer.Option(help="CSV of model,decoder; default: beside the image set.")
]
DenoiserOption = Annotated[
    str, typer.Option(help="`student`, `dncnn` (the paper's) or a safetensors file.")
]
WorstErrorOption = Annotated[
    float, typer.Option(help="Leave out models whose reconstruction error exceeds this.")
]
OutOption = Annotated[Path, typer.Option(help="Folder for JSON, pictures and page.")]
FullOption = Annotated[bool, typer.Option("--full", help="Full scale: every image.")]


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:  # of which click would show the text alone
        raise typer.BadParameter(str(error)) from error


ShardOption = Annotated[
    Shard | None,
    typer.Option(
        parser=_shard,
        metavar="I/N",
        help="Every N-th model only, from the I-th on, from 0: for arrays of jobs, 0/N to N-1/N.",
    ),
]


def load_models(models: list[str]) -> dict[str, Extractor]:
    """Open models, shown by name, by name and version, or as given: the first that is unique."""
    import fingerprint_sdk

    given = list(dict.fromkeys(models))
    loaded = [fingerprint_sdk.load(model) for model in given]
    names = [extractor.name for extractor in loaded]
    versions = [f"{extractor.name} {extractor.version}" for extractor in loaded]
    shown = next(labels for labels in (names, versions, given) if len(set(labels)) == len(labels))
    return dict(zip(shown, loaded, strict=True))
