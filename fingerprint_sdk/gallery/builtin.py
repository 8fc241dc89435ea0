"""The built-in gallery: decoder families of today's generators, which comes with a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fingerprint_sdk._default import default_extractor
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery.gallery import Gallery
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.process.forks import Lock
from fingerprint_sdk.zoo.description import KNOWN_NAME
from fingerprint_sdk.zoo.lookup import DEFAULT_MODEL

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Images

_shared: Gallery | None = None  # of the extractor that was asked last
_lock = Lock()


def known(model: Extractor | None = None) -> Gallery:
    """The built-in gallery of a model: a new one each time, to which more may be added.

    Its entries are decoder families by source (``Entry.provenance``): generators that share an
    image decoder, or its weights, cannot be told apart, so the family is the answer. Which files
    it was made of, and under which licences, ``zoo/known.csv`` names.

    Args:
        model: the extractor; None for the default model.

    Raises:
        GalleryError: the model has no built-in gallery, or it is of another version of the model.
    """
    extractor = default_extractor() if model is None else model
    path = known_path(extractor)
    if path is None:
        raise GalleryError(
            f"the model {extractor.name} {extractor.version} has no built-in gallery "
            f"({KNOWN_NAME} beside its file): give a gallery of your own, or leave the model out "
            f"for {DEFAULT_MODEL}, which has one"
        )
    return Gallery.load(path, extractor)


def known_path(model: Extractor) -> Path | None:
    """The file of a model's built-in gallery; None where it has none."""
    path = None if model.path is None else model.path.with_name(KNOWN_NAME)
    return path if path is not None and path.is_file() else None


def shared(extractor: Extractor) -> Gallery:
    """``known``, but read once while the same extractor asks; not to be changed."""
    global _shared
    with _lock:
        if _shared is None or _shared.extractor is not extractor:
            _shared = known(extractor)
        return _shared


def identify(
    images: Images | npt.NDArray[np.floating],
    gallery: Gallery | None = None,
    *,
    fpir: float | None = None,
    fnir: float | None = None,
    prior: float = 0.5,
    top: int = 5,
) -> Identification:
    """``Gallery.identify``: with the gallery's own extractor, by default the default model.

    Without a gallery, who of the built-in one made it, see ``known``.
    """
    asked = shared(default_extractor()) if gallery is None else gallery
    return asked.identify(images, fpir=fpir, fnir=fnir, prior=prior, top=top)
