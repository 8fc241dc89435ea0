"""Packages only some features need: imported on use, with a clear word when one is absent."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fingerprint_sdk.errors import FingerprintError

_PACKAGES = {
    "c2pa": "c2pa-python",
    "cluster": "scikit-learn",
    "cuda": '"onnxruntime-gpu[cuda,cudnn]"',
    "heif": "pillow-heif",
    "jxl": "pillow-jxl-plugin",
    "parquet": "pyarrow",
    "plots": "matplotlib",
    "postgres": '"psycopg[binary]"',
    "qdrant": "qdrant-client",
    "ray": '"ray[data]" pyarrow',
    "search": "usearch",
    "serve": "fastapi uvicorn prometheus-client python-multipart",
    "web": '"gradio>=6.31,<7" matplotlib',
}


def install_command(extra: str) -> str:
    """The command that brings what an extra of this package brings.

    It names those packages and not this one, which no package index holds: there its name may be
    anybody's.
    """
    return f"pip install {_PACKAGES[extra]}"


def need(module: str, extra: str, what: str) -> Any:
    """Import ``module``; FingerprintError saying which ``extra`` brings it if it cannot be."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise FingerprintError(
            f"{what} needs {package}: {install_command(extra)} ({error})"
        ) from error
