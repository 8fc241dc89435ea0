"""Packages only some features need: imported on use, with a clear word when one is absent."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fingerprint_sdk.errors import FingerprintError


def need(module: str, extra: str, what: str) -> Any:
    """Import ``module``; FingerprintError saying which ``extra`` brings it if it cannot be."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise FingerprintError(
            f'{what} needs {package}: pip install "fingerprint-sdk[{extra}]" ({error})'
        ) from error
