"""Models: bundled, local, or on the Hugging Face Hub; each file checked against its promise."""

from fingerprint_sdk.zoo.description import (
    CONFIG_NAME,
    KNOWN_NAME,
    FileInfo,
    ModelDescription,
)
from fingerprint_sdk.zoo.lookup import (
    DEFAULT_MODEL,
    CachedModel,
    ResolvedModel,
    list_cached,
    list_models,
    resolve,
)

__all__ = [
    "CONFIG_NAME",
    "DEFAULT_MODEL",
    "KNOWN_NAME",
    "CachedModel",
    "FileInfo",
    "ModelDescription",
    "ResolvedModel",
    "list_cached",
    "list_models",
    "resolve",
]
