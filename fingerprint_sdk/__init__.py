"""Which generative model made this image? Zero-shot model fingerprints.

>>> import fingerprint_sdk as fp
>>> fp.identify("x.png").nearest                          # doctest: +SKIP
>>> fp.verify("a.png", "b.png").same                      # doctest: +SKIP
>>> gallery = fp.Gallery()                                # doctest: +SKIP
>>> gallery.enroll("sdxl", ["1.png", "2.png", "3.png"])   # doctest: +SKIP
>>> fp.identify("x.png", gallery).best                    # doctest: +SKIP

The functions here use one default model, loaded at first use; ``load`` gives an ``Extractor`` of
your choice with the same verbs. Importing this package imports none of its dependencies.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.errors import (
    ArgumentError,
    DeviceError,
    FingerprintError,
    GalleryError,
    ImageError,
    IntegrityError,
    ModelError,
    ModelNotFoundError,
    OperatingPointError,
    StoreError,
)

if TYPE_CHECKING:
    from fingerprint_sdk._default import embed, verify
    from fingerprint_sdk.calibration import Calibration
    from fingerprint_sdk.clustering import Clustering, ClusteringScore, cluster
    from fingerprint_sdk.declaration import Credentials, Declaration, Statement, declared
    from fingerprint_sdk.explanation import Explanation, ImageView, explain
    from fingerprint_sdk.extractor import EmbeddingResult, Extractor, Failure, load
    from fingerprint_sdk.gallery import Gallery, Provenance, identify, known
    from fingerprint_sdk.gallery.check import GalleryCheck
    from fingerprint_sdk.identification import Candidate, Identification
    from fingerprint_sdk.images.quality import Quality
    from fingerprint_sdk.index import Index, Match, SearchResult
    from fingerprint_sdk.reporting import Report, report
    from fingerprint_sdk.verification import Verification

__all__ = [
    "ArgumentError",
    "Calibration",
    "Candidate",
    "Clustering",
    "ClusteringScore",
    "Credentials",
    "Declaration",
    "DeviceError",
    "EmbeddingResult",
    "Explanation",
    "Extractor",
    "Failure",
    "FingerprintError",
    "Gallery",
    "GalleryCheck",
    "GalleryError",
    "Identification",
    "ImageError",
    "ImageView",
    "Index",
    "IntegrityError",
    "Match",
    "ModelError",
    "ModelNotFoundError",
    "OperatingPointError",
    "Provenance",
    "Quality",
    "Report",
    "SearchResult",
    "Statement",
    "StoreError",
    "Verification",
    "__version__",
    "cluster",
    "declared",
    "embed",
    "explain",
    "identify",
    "known",
    "load",
    "report",
    "verify",
]

__version__ = "0.1.0"

_HOME = {
    "Calibration": "calibration",
    "Candidate": "identification",
    "Clustering": "clustering",
    "ClusteringScore": "clustering",
    "Credentials": "declaration",
    "Declaration": "declaration",
    "EmbeddingResult": "results",
    "Explanation": "explanation",
    "Extractor": "extractor",
    "Failure": "results",
    "Gallery": "gallery",
    "GalleryCheck": "gallery.check",
    "Identification": "identification",
    "ImageView": "explanation",
    "Index": "index",
    "Match": "index",
    "Provenance": "gallery",
    "Quality": "images.quality",
    "Report": "reporting",
    "SearchResult": "index",
    "Statement": "declaration",
    "Verification": "verification",
    "cluster": "clustering",
    "declared": "declaration",
    "embed": "_default",
    "explain": "explanation",
    "identify": "gallery",
    "known": "gallery",
    "load": "extractor",
    "report": "reporting",
    "verify": "_default",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module at first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
