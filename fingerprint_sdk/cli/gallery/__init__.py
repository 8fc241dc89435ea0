"""``fingerprint gallery``."""

from fingerprint_sdk.cli.gallery.change import app

__all__ = ["app"]
