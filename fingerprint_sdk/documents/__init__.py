"""JSON documents (docs/json.md): the command and the service answer with the same ones."""

from fingerprint_sdk.documents.answers import (
    SCHEMA,
    describe,
    embed_document,
    identify_document,
    probes_document,
    skipped,
    verify_document,
)
from fingerprint_sdk.documents.galleries import enroll_document, entry_dict, list_document

__all__ = [
    "SCHEMA",
    "describe",
    "embed_document",
    "enroll_document",
    "entry_dict",
    "identify_document",
    "list_document",
    "probes_document",
    "skipped",
    "verify_document",
]
