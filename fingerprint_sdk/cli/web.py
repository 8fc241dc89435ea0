"""``fingerprint web``: the page for the browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.model import open_extractor
from fingerprint_sdk.cli.shared.output import note
from fingerprint_sdk.cli.shared.place import file_only

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def web(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets in the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            "-g",
            parser=file_only,
            metavar="PATH",
            help="Gallery visitors start with, beside the built-in one; it is not changed.",
        ),
    ] = None,
    max_upload: Annotated[float, typer.Option(help="Largest file taken, in megabytes.")] = 32.0,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
) -> None:
    """Serve a web page: who made this? And to verify, identify, enroll and explain, in a browser.

    It listens on this machine only, unless --host says otherwise, and uses no other server.

    Needs Gradio: pip install "gradio>=6.31,<7" matplotlib.

    [bold]Examples[/bold]

      fingerprint web

      fingerprint web --gallery mine.fpg

      fingerprint web --host 0.0.0.0 --port 8080 --max-upload 10
    """
    from fingerprint_sdk.gallery import Gallery
    from fingerprint_sdk.web import serve

    # ONNX Runtime reports to Microsoft from 1.29 on, unless this is set before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    known = None if gallery is None else Gallery.load(gallery, extractor)
    if host not in _LOOPBACK:
        note("note: anyone who can reach this machine can use the page; it has no passwords")
    serve(
        extractor,
        known,
        host=host,
        port=port,
        max_upload=max_upload,
        ready=lambda address: note(f"the page is at {address} (stop with Ctrl+C)"),
    )
