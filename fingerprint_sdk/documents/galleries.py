"""Documents of galleries and their entries."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.documents.answers import describe

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor
    from fingerprint_sdk.gallery import Entry, Gallery


def list_document(gallery: Gallery, name: object | None) -> dict[str, Any]:
    """Of ``fingerprint gallery list``; ``name`` is None for the built-in gallery."""
    return {
        "gallery": None if name is None else str(name),
        "entries": [entry_dict(key, entry) for key, entry in gallery.items()],
    }


def entry_dict(name: str, entry: Entry) -> dict[str, Any]:
    """The section "Entry" of docs/json.md."""
    origin = entry.provenance
    return {
        "name": name,
        "images": len(entry.embeddings),
        "copies": _copies(entry),
        "notes": entry.notes,
        "provenance": None
        if origin is None
        else dataclasses.asdict(origin) | {"formats": dict(origin.formats)},
    }


def enroll_document(
    extractor: Extractor,
    gallery: object,
    name: str,
    entry: Entry,
    left_out: Sequence[dict[str, Any]],
    *,
    added: int,
    passed_over: Sequence[object] = (),
) -> dict[str, Any]:
    """Of ``fingerprint enroll``.

    Args:
        extractor: the model.
        gallery: what it is called.
        name: of the entry.
        entry: as it is now.
        left_out: images that could not be used, each with its error.
        added: how many images were added to it.
        passed_over: files in the folders given that are no images.
    """
    return {
        "model": describe(extractor),
        "gallery": str(gallery),
        "name": name,
        "added": added,
        "images": len(entry.embeddings),
        "copies": _copies(entry),
        "passed_over": [str(path) for path in passed_over],
        "skipped": list(left_out),
    }


def _copies(entry: Entry) -> dict[str, int]:
    return {kind: copy.count for kind, copy in entry.copies.items()}
