"""``fingerprint serve``: the service for other programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.model import open_extractor
from fingerprint_sdk.cli.shared.output import note


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need a key.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
    ] = 8000,
    galleries: Annotated[
        str | None,
        typer.Option(
            "--galleries",
            "-g",
            metavar="PLACE",
            help="Galleries to serve and to change, beside the built-in one: a folder of .fpg "
            "files, or postgresql://USER@HOST/DATABASE.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="File of API keys, one a line.", show_default="the key in FINGERPRINT_API_KEY"
        ),
    ] = None,
    max_upload: Annotated[float, typer.Option(help="Largest request, in megabytes.")] = 32.0,
    max_pixels: Annotated[float, typer.Option(help="Largest image, in megapixels.")] = 64.0,
    max_images: Annotated[int, typer.Option(min=1, help="Most images of a request.")] = 32,
    time_limit: Annotated[float, typer.Option(help="Seconds that a request may take.")] = 60.0,
    capacity: Annotated[
        int, typer.Option(min=1, help="Requests at a time; more are told to come again.")
    ] = 32,
    batch: Annotated[
        int, typer.Option(min=1, help="Images of waiting requests embedded in one call.")
    ] = 16,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
) -> None:
    """Answer other programs over HTTP: embed, verify, identify, and change galleries.

    Answers are the JSON documents of the commands. /openapi.json describes all of it. It listens
    on this machine only, unless --host says otherwise, and uses no other server. SIGTERM ends it
    once the requests that have come are answered.

    Needs the extra "serve": FastAPI and what goes with it.

    [bold]Examples[/bold]

      fingerprint serve

      fingerprint serve --galleries galleries/ --port 8080

      fingerprint serve --galleries postgresql://me@host/base

      fingerprint serve --host 0.0.0.0 --key-file /run/secrets/keys
    """
    from fingerprint_sdk.service import Keys, Limits, serve
    from fingerprint_sdk.service.server import check_host, check_installed
    from fingerprint_sdk.service.shelves import shelf_at

    # ONNX Runtime reports to Microsoft from 1.29 on, unless this is set before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    check_installed()
    keys = Keys.read(key_file)
    check_host(host, keys)
    limits = Limits(max_upload, max_pixels, max_images, time_limit, capacity, batch)
    serve(
        open_extractor(model, revision, device, offline, threads, windows),
        host=host,
        port=port,
        limits=limits,
        keys=keys,
        galleries=None if galleries is None else shelf_at(galleries),
        ready=lambda address: note(f"the service is at {address} (stop with Ctrl+C)"),
    )
