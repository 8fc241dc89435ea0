"""The web page: verify, identify, enroll and explain in a browser. Needs the extra ``web``."""

from fingerprint_sdk.web.server import build, launch_options, serve

__all__ = ["build", "launch_options", "serve"]
