"""The built-in gallery of decoder families: made from a manifest, and measured across sources."""

from trainer.known.build import build_known, promise
from trainer.known.manifest import Family, KnownFile, read_families, read_manifest

__all__ = ["Family", "KnownFile", "build_known", "promise", "read_families", "read_manifest"]
