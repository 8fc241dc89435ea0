"""Where galleries are kept: in files, in PostgreSQL with pgvector, in Qdrant."""

from fingerprint_sdk.gallery.stores.address import is_store, shown, store_at
from fingerprint_sdk.gallery.stores.file import FileStore
from fingerprint_sdk.gallery.stores.postgres import PostgresStore
from fingerprint_sdk.gallery.stores.qdrant import QdrantStore
from fingerprint_sdk.gallery.stores.store import GalleryStore, Near

__all__ = [
    "FileStore",
    "GalleryStore",
    "Near",
    "PostgresStore",
    "QdrantStore",
    "is_store",
    "shown",
    "store_at",
]
