"""Galleries: known models by name, each with the embeddings of some of its images."""

from fingerprint_sdk.gallery.builtin import identify, known
from fingerprint_sdk.gallery.entry import Entry, Provenance
from fingerprint_sdk.gallery.gallery import Gallery

__all__ = ["Entry", "Gallery", "Provenance", "identify", "known"]
