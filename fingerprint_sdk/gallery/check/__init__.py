"""A gallery that knows itself: what to expect of it, and what in it looks wrong."""

from fingerprint_sdk.gallery.check.result import GalleryCheck

__all__ = ["GalleryCheck"]
