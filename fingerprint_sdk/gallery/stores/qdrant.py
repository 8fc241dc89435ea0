"""A gallery in Qdrant (extra ``qdrant``): a collection, in which each entry is a point.

The point's vectors are the entry's fingerprints (a multivector, compared by the nearest of them),
its payload holds the entry as a gallery file of one. Qdrant has no transactions: a point is
changed only if nobody has changed it since it was read, or else it is read again.
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_same_model
from fingerprint_sdk.errors import FingerprintError, GalleryError, StoreError
from fingerprint_sdk.extras import need
from fingerprint_sdk.gallery.entry import Entry, entry_name
from fingerprint_sdk.gallery.file import Content
from fingerprint_sdk.gallery.stores.store import Near, by_cosine, joined, packed, probe, unpacked
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.stream import positive

_AT_ONCE = 64  # entries; one is some 200 kB
_TRIES = 100  # to change an entry that others change, too
_NAMESPACE = uuid.UUID("6a1f0d8e-54a1-4b53-9d0c-9f2f6a6f0b11")


@dataclass(frozen=True)
class QdrantStore:
    """The collection ``name`` of a Qdrant; see ``GalleryStore``.

    Args:
        client: a ``qdrant_client.QdrantClient``.
        name: of the collection.
    """

    client: Any = field(repr=False)
    name: str

    def __str__(self) -> str:
        return f"the gallery {self.name!r} in Qdrant"

    def model(self) -> ModelIdentity | None:
        """See ``GalleryStore.model``."""
        return self._model() if self._ask("collection_exists") else None

    def load(self) -> Content:
        """See ``GalleryStore.load``."""
        points = self._all()
        points.sort(key=lambda point: (point.payload["enrolled"], str(point.id)))
        if not points:
            return Content(self._model(), {})
        return unpacked(map(self._bytes, points), str(self))

    def entry(self, name: str) -> Entry:
        """See ``GalleryStore.entry``."""
        name = entry_name(name)
        point = self._point(name)
        if point is None:
            raise GalleryError(f"{self} has no entry {name!r}: check the name")
        return self._of(name, point)

    def put(
        self,
        name: str,
        entry: Entry,
        model: ModelIdentity,
        *,
        notes: str | None = None,
        replace: bool = False,
    ) -> tuple[Entry, bool]:
        """See ``GalleryStore.put``."""
        name = entry_name(name)
        packed(name, entry, model)  # or its errors, before anything is asked for
        self._make(model)
        for _ in range(_TRIES):
            old = self._point(name)
            before = None if old is None or replace else self._of(name, old)
            new = joined(before, entry, notes)
            if self._swap(name, old, new, model):
                return new, old is None
        raise GalleryError(f"others keep changing {name!r} in {self}: try again")

    def remove(self, name: str) -> None:
        """See ``GalleryStore.remove``."""
        name = entry_name(name)
        models = need("qdrant_client.models", "qdrant", "a gallery in Qdrant")
        self.entry(name)  # or its error
        self._ask("delete", points_selector=models.PointIdsList(points=[_id(name)]), wait=True)

    def nearest(self, embedding: npt.NDArray[np.floating], top: int = 10) -> tuple[Near, ...]:
        """See ``GalleryStore.nearest``."""
        top = positive("top", top, 10, GalleryError)
        row = probe(embedding, self._model().embedding_size)
        # One vector is a multivector of one: the nearest of an entry's counts.
        limit = max(2 * top, top + 10)
        found = self._ask("query_points", query=[row.tolist()], limit=limit, with_payload=True)
        if not found.points:
            return ()
        return by_cosine(unpacked(map(self._bytes, found.points), str(self)).entries, row, top)

    def _make(self, model: ModelIdentity) -> None:
        """See that there is a collection, of this model."""
        models = need("qdrant_client.models", "qdrant", "a gallery in Qdrant")
        if not self._ask("collection_exists"):
            vectors = models.VectorParams(
                size=model.embedding_size,
                distance=models.Distance.COSINE,
                multivector_config=models.MultiVectorConfig(
                    comparator=models.MultiVectorComparator.MAX_SIM
                ),
            )
            try:
                self._ask("create_collection", vectors_config=vectors, metadata=asdict(model))
            except GalleryError:  # somebody else has just made it, or else it is an error
                if not self._ask("collection_exists"):
                    raise
        check_same_model(self._model(), model, kind="gallery", remedy="enroll")

    def _swap(self, name: str, old: Any | None, new: Entry, model: ModelIdentity) -> bool:
        """Put ``new`` in the place of ``old``, if that is still there; whether it was."""
        models = need("qdrant_client.models", "qdrant", "a gallery in Qdrant")
        token = uuid.uuid4().hex
        payload = {
            "name": name,
            "content": base64.b64encode(packed(name, new, model)).decode(),
            "enrolled": time.time_ns() if old is None else old.payload["enrolled"],
            "token": token,
            "before": [] if old is None else _tokens(old)[:_TRIES],
        }
        point = models.PointStruct(id=_id(name), vector=new.fingerprints.tolist(), payload=payload)
        if old is None:
            how = {"update_mode": models.UpdateMode.INSERT_ONLY}
        else:
            same = models.MatchValue(value=old.payload["token"])
            unchanged = models.FieldCondition(key="token", match=same)
            how = {
                "update_filter": models.Filter(must=[unchanged]),
                "update_mode": models.UpdateMode.UPDATE_ONLY,
            }
        self._ask("upsert", points=[point], wait=True, **how)
        # The answer does not say whether it was done; and by now another may have added to it.
        now = self._point(name)
        return now is not None and token in _tokens(now)

    def _all(self) -> list[Any]:
        points: list[Any] = []
        after = None
        while True:
            some, after = self._ask("scroll", limit=_AT_ONCE, offset=after, with_payload=True)
            points += some
            if after is None:
                return points

    def _point(self, name: str) -> Any | None:
        found = self._ask("retrieve", ids=[_id(name)], with_payload=True)
        return found[0] if found else None

    def _of(self, name: str, point: Any) -> Entry:
        entries = unpacked([self._bytes(point)], str(self)).entries
        if name not in entries:
            raise GalleryError(f"{self} is damaged: {name!r} holds another entry")
        return entries[name]

    def _model(self) -> ModelIdentity:
        kept = self._ask("get_collection").config.metadata
        try:
            return ModelIdentity(**kept)
        except TypeError as error:
            raise GalleryError(
                f"{self} is no gallery: the collection does not say of which model it is, "
                "choose another name"
            ) from error

    def _bytes(self, point: Any) -> bytes:
        try:
            return base64.b64decode(point.payload["content"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise GalleryError(f"{self} is damaged: a point holds no entry ({error})") from error

    def _ask(self, call: str, **arguments: Any) -> Any:
        need("qdrant_client", "qdrant", "a gallery in Qdrant")
        try:
            return getattr(self.client, call)(self.name, **arguments)
        except FingerprintError:
            raise
        except Exception as error:  # the client's own errors, and those of two transports
            if call == "collection_exists" or "not found" not in str(error).lower():
                raise StoreError(f"{self} cannot be used: {error}") from error
            raise GalleryError(f"there is no gallery {self.name!r} in Qdrant") from error


def _tokens(point: Any) -> list[str]:
    """Of the writers of a point, the last one first."""
    return [point.payload["token"], *point.payload["before"]]


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))
