"""The place of the extractor in a gallery or an index."""

from __future__ import annotations

from fingerprint_sdk._default import default_extractor, loaded_default
from fingerprint_sdk.embeddings_file import check_same_model
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.process.forks import Lock
from fingerprint_sdk.runtime.contract import ModelIdentity


class ModelSlot:
    """The extractor of a gallery or an index, and the model whose embeddings are stored there.

    Embeddings of two models cannot be compared, so whatever takes the place is checked. Safe to
    use from several threads and processes.

    Args:
        extractor: the extractor; None for the default model, which is then loaded at first use.
        stored: the model of the embeddings there are; None if there are none yet.
        kind, remedy: for messages: "gallery" and "enroll" the images again, say.

    Raises:
        GalleryError: the extractor is not of the model stored.
    """

    def __init__(
        self,
        extractor: Extractor | None = None,
        stored: ModelIdentity | None = None,
        *,
        kind: str,
        remedy: str,
    ) -> None:
        self._kind, self._remedy = kind, remedy
        self._lock = Lock()
        self._extractor: Extractor | None = None
        self._identity = stored
        if extractor is not None:
            self._take(extractor)

    def __getstate__(self) -> dict[str, object]:
        # Another process has a default model of its own.
        default = self._extractor is loaded_default()
        return self.__dict__ | {"_extractor": None if default else self._extractor}

    @property
    def identity(self) -> ModelIdentity | None:
        """The model the embeddings belong to; None before the first use."""
        return self._identity

    def extractor(self) -> Extractor:
        """The extractor; the default one is loaded here.

        Raises:
            GalleryError: the default model is not the one stored.
        """
        with self._lock:
            return self._extractor or self._take(default_extractor())

    def check(self, other: ModelIdentity) -> None:
        """Raise GalleryError if embeddings of ``other`` cannot join those stored."""
        check_same_model(self._identity, other, kind=self._kind, remedy=self._remedy)

    def join(self, other: ModelIdentity) -> None:
        """``check``, and if there is no model yet, be of that one from now on."""
        with self._lock:
            self.check(other)
            self._identity = self._identity or other

    def _take(self, extractor: Extractor) -> Extractor:
        self.join(extractor.identity)
        self._extractor = extractor
        return extractor
