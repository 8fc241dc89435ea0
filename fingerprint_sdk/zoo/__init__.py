"""Models: bundled, local, or on the Hugging Face Hub; each file checked against its promise."""

from fingerprint_sdk.zoo.description import FileInfo, ModelDescription
from fingerprint_sdk.zoo.lookup import (
    DEFAULT_MODEL,
    CachedModel,
    ResolvedModel,
    list_cached,
    list_models,
    resolve,
)

__all__ = [
    "DEFAULT_MODEL",
    "CachedModel",
    "FileInfo",
    "ModelDescription",
    "ResolvedModel",
    "list_cached",
    "list_models",
    "resolve",
]
