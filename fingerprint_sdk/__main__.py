"""``python -m fingerprint_sdk`` is the ``fingerprint`` command."""

from fingerprint_sdk.cli import app

app(prog_name="fingerprint")
