"""Where a gallery is, in one line."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.extras import need
from fingerprint_sdk.gallery.stores.file import FileStore
from fingerprint_sdk.gallery.stores.postgres import PostgresStore
from fingerprint_sdk.gallery.stores.qdrant import QdrantStore
from fingerprint_sdk.gallery.stores.store import GalleryStore

_POSTGRES = ("postgresql://", "postgres://")
_QDRANT = {"qdrant://": "http", "qdrant+https://": "https"}


def is_store(address: str | os.PathLike[str]) -> bool:
    """Whether it names a database, and no file."""
    text = os.fspath(address)
    return text.startswith((*_POSTGRES, *_QDRANT))


def shown(address: str | os.PathLike[str]) -> str:
    """An address without what may be a secret."""
    text = os.fspath(address)
    if not is_store(text):
        return text
    return f"{text[: text.index('://') + 3]}…#{text.rpartition('#')[2]}" if "#" in text else "…"


def store_at(address: str | os.PathLike[str]) -> GalleryStore:
    """The gallery that an address names; it is not asked for yet.

    Args:
        address: the path of a file; ``postgresql://USER@HOST/DATABASE#NAME``, where a password is
            better left to ``PGPASSWORD`` or a password file; ``qdrant://HOST:PORT#NAME``,
            ``qdrant+https://HOST:PORT#NAME`` or, of a folder on this machine,
            ``qdrant:///PATH#NAME``, with the key of the server in ``QDRANT_API_KEY``.

    Raises:
        GalleryError: it names a database, but no gallery in it.
        FingerprintError: the extra for it is not installed.
    """
    if not is_store(address):
        return FileStore(address)
    text = os.fspath(address)
    scheme = text[: text.index("://") + 3]
    server, _, name = text.rpartition("#")
    if not server or not name:
        raise GalleryError(f"{scheme}… names no gallery: end the address with #NAME")
    if scheme in _POSTGRES:
        return PostgresStore(server, unquote(name))
    qdrant = need("qdrant_client", "qdrant", "a gallery in Qdrant")
    parts = urlsplit(server)
    if not parts.netloc:
        return QdrantStore(qdrant.QdrantClient(path=unquote(parts.path)), unquote(name))
    if "@" in parts.netloc:
        raise GalleryError(f"{scheme}… holds a secret: give it in QDRANT_API_KEY instead")
    client = qdrant.QdrantClient(
        url=f"{_QDRANT[scheme]}://{parts.netloc}", api_key=os.environ.get("QDRANT_API_KEY")
    )
    return QdrantStore(client, unquote(name))
