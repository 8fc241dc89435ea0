"""The default model, loaded once, and the functions of the package that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.extractor import Extractor, load
from fingerprint_sdk.process.forks import Lock
from fingerprint_sdk.results import Embeddings
from fingerprint_sdk.verification import Verification

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Images

_default: Extractor | None = None
_default_lock = Lock()


def default_extractor() -> Extractor:
    """The bundled default model on ``device="auto"``, loaded once, at first use."""
    global _default
    with _default_lock:
        if _default is None:
            _default = load()
        return _default


def loaded_default() -> Extractor | None:
    """The default model where it has been loaded in this process."""
    return _default


def embed(images: Images) -> Embeddings:
    """``Extractor.embed`` of the default model."""
    return default_extractor().embed(images)


def verify(
    a: Images | npt.NDArray[np.floating],
    b: Images | npt.NDArray[np.floating],
    *,
    fmr: float | None = None,
    fnmr: float | None = None,
    prior: float = 0.5,
) -> Verification:
    """``Extractor.verify`` of the default model."""
    return default_extractor().verify(a, b, fmr=fmr, fnmr=fnmr, prior=prior)
