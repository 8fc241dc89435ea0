"""``fingerprint embed``: images to embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import bulk, options
from fingerprint_sdk.cli.shared.files import check_out, expand, write_embeddings
from fingerprint_sdk.cli.shared.model import describe, embed_files, open_extractor
from fingerprint_sdk.cli.shared.output import note, print_json, print_table
from fingerprint_sdk.documents import embed_document
from fingerprint_sdk.files import is_stream

_FORMATS = (".npz", ".npy", ".csv")


def embed(
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of images.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write to this .npz, .npy or .csv file; a folder with --engine."
        ),
    ] = None,
    recursive: options.Recursive = False,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    engine: bulk.Engine = None,
    workers: bulk.Workers = None,
    column: bulk.Column = None,
    shard_size: bulk.ShardSize = None,
    json: options.Json = False,
) -> None:
    """Compute the fingerprint embedding of each image.

    .npz: paths (N), embeddings (N x D, float32), model, model_version.
    .npy: the matrix alone.
    .csv, or a pipe such as /dev/stdout: one row per image.

    [bold]Examples[/bold]

      fingerprint embed photo.png

      fingerprint embed pictures/ --out pictures.npz

    With --engine, for any number of images: one folder or file of images, Parquet or WebDataset
    archives, in depth, and --out is a folder that gets Parquet files. A killed run goes on where
    it was.

      fingerprint embed pictures/ --engine ray --out embedded
    """
    if engine is not None:
        bulk.refuse(json=json, recursive=recursive, on_error=on_error is options.OnError.stop)
        given = (model, revision, device, offline, threads, windows)
        bulk.embed(images, out, engine, given, workers, column, shard_size)
        return
    bulk.refuse_without_engine(workers=workers, column=column, shard_size=shard_size)
    if out is not None:
        if out.suffix not in _FORMATS and not is_stream(out):
            raise typer.BadParameter(f"{str(out)!r} must end in {', '.join(_FORMATS)}")
        check_out(out)
    found = expand(images, recursive)
    paths = found.images
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    result = embed_files(extractor, paths, on_error)
    used = [str(paths[index]) for index in result.indices]
    if out is not None:
        write_embeddings(out, used, result.embeddings, describe(extractor))
        note(f"wrote {len(used)} embeddings to {out}")
    rows = list(zip(used, result.embeddings, result.quality, strict=True))
    if json:
        passed_over = found.passed_over
        print_json(embed_document(extractor, result, paths, out=out, passed_over=passed_over))
    elif out is None:
        shown = [
            (
                path,
                f"{quality.width}x{quality.height}",
                " ".join(quality.flags),
                " ".join(f"{value:+.3f}" for value in embedding[:4]) + " ...",
            )
            for path, embedding, quality in rows
        ]
        size = extractor.embedding_size
        print_table(("image", "pixels", "notes", f"embedding (first 4 of {size})"), shown)
