"""The service: embed, verify, identify and galleries over HTTP. Needs the extra ``serve``."""

from fingerprint_sdk.service.keys import Keys
from fingerprint_sdk.service.limits import Limits
from fingerprint_sdk.service.server import serve

__all__ = ["Keys", "Limits", "serve"]
