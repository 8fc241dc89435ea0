"""Galleries: known models by name, each with the embeddings of some of its images."""

from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.gallery import Gallery, identify

__all__ = ["Entry", "Gallery", "identify"]
