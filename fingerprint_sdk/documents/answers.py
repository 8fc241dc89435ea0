"""Documents of embeddings, verifications and identifications.

Images are called what they are called outside: by their paths, or as the client named them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fingerprint_sdk.declaration import Agreement, Declaration
    from fingerprint_sdk.extractor import Extractor
    from fingerprint_sdk.identification import Identification
    from fingerprint_sdk.index import SearchResult
    from fingerprint_sdk.results import EmbeddingResult
    from fingerprint_sdk.verification import Verification

SCHEMA = 1
"""Version of the JSON documents, see docs/json.md: raised where a field goes or changes."""


def describe(extractor: Extractor) -> dict[str, str]:
    """The model a result came from."""
    return {
        "name": extractor.name,
        "version": extractor.version,
        "sha256": extractor.model_sha256,
        "device": extractor.device,
    }


def skipped(result: EmbeddingResult, names: Sequence[object]) -> list[dict[str, Any]]:
    """The images left out."""
    return [
        {"path": str(names[failure.index]), "error": str(failure.error)}
        for failure in result.failures
    ]


def embed_document(
    extractor: Extractor,
    result: EmbeddingResult,
    names: Sequence[object],
    *,
    out: object | None = None,
    passed_over: Sequence[object] = (),
) -> dict[str, Any]:
    """Of ``fingerprint embed``.

    Args:
        extractor: the model.
        result: of the images.
        names: of all images that were given.
        out: the file that has the embeddings; None to put them into the document.
        passed_over: files in the folders given that are no images.
    """
    rows = zip(result.indices, result.embeddings, result.quality, strict=True)
    return {
        "model": describe(extractor),
        "out": None if out is None else str(out),
        "images": [
            {"path": str(names[index]), "quality": quality.to_dict()}
            | ({} if out else {"embedding": embedding.tolist()})
            for index, embedding, quality in rows
        ],
        "passed_over": _names(passed_over),
        "skipped": skipped(result, names),
    }


def verify_document(
    extractor: Extractor,
    a: Sequence[object],
    b: Sequence[object],
    result: Verification,
    *,
    passed_over: Sequence[object] = (),
) -> dict[str, Any]:
    """Of ``fingerprint verify``, of the images named ``a`` and ``b``."""
    return {
        "model": describe(extractor),
        "a": _names(a),
        "b": _names(b),
        "passed_over": _names(passed_over),
        **result.to_dict(),
    }


def probes_document(
    extractor: Extractor,
    kind: str,
    file: object | None,
    results: Sequence[tuple[Sequence[object], Identification | SearchResult]],
    passed_over: Sequence[object],
) -> dict[str, Any]:
    """What was found for each probe, by the names of its images, in the ``kind`` of ``file``."""
    return {
        "model": describe(extractor),
        kind: None if file is None else str(file),
        "probes": [{"paths": _names(names), **result.to_dict()} for names, result in results],
        "passed_over": _names(passed_over),
    }


def identify_document(
    extractor: Extractor,
    gallery: object | None,
    results: Sequence[tuple[Sequence[object], Identification]],
    said: Sequence[Sequence[tuple[Declaration | None, Agreement | None]]],
    left_out: Sequence[dict[str, Any]],
    *,
    known: bool,
    private: bool,
    passed_over: Sequence[object] = (),
) -> dict[str, Any]:
    """Of ``fingerprint identify``.

    Args:
        extractor: the model.
        gallery: what the searched one is called; None for the built-in one alone.
        results: names of the images and answer of each probe.
        said: what each file of each probe declares, and how that fits.
        left_out: see ``skipped``.
        known: whether the built-in gallery was searched beside ``gallery``.
        private: whether prompts and names of people are shown.
        passed_over: files in the folders given that are no images.
    """
    from fingerprint_sdk.explanation.declarations import declaration_dict

    document = probes_document(extractor, "gallery", gallery, results, passed_over)
    for probe, told in zip(document["probes"], said, strict=True):
        probe["declared"] = [declaration_dict(*one, private) for one in told]
    return document | {"known": gallery is None or known, "skipped": list(left_out)}


def _names(names: Sequence[object]) -> list[str]:
    return [str(name) for name in names]
