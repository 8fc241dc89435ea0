"""The built-in gallery: decoder families of today's generators, which comes with a model."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from fingerprint_sdk._default import default_extractor
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery.gallery import Gallery
from fingerprint_sdk.process.forks import Lock
from fingerprint_sdk.zoo.description import KNOWN_NAME

_shared: WeakKeyDictionary[Extractor, Gallery] = WeakKeyDictionary()
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
    path = None if extractor.path is None else extractor.path.with_name(KNOWN_NAME)
    if path is None or not path.is_file():
        raise GalleryError(
            f"the model {extractor.name} {extractor.version} has no built-in gallery "
            f"({KNOWN_NAME} beside its file): give a gallery of your own"
        )
    return Gallery.load(path, extractor)


def shared(extractor: Extractor) -> Gallery:
    """``known``, but read once for an extractor; not to be changed."""
    with _lock:
        if extractor not in _shared:
            _shared[extractor] = known(extractor)
        return _shared[extractor]
