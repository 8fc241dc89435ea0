"""The web page of fingerprint_sdk as a Hugging Face Space.

Environment, all optional (Space settings, "Variables"):

    FINGERPRINT_MODEL       what `fingerprint_sdk.load` takes, e.g. "owner/name" on the Hub
    FINGERPRINT_MAX_UPLOAD  megabytes of one file, 10 by default

A gallery file `known.fpg` next to this file is what visitors start with.
"""

import os
from pathlib import Path

from fingerprint_sdk import Gallery, load
from fingerprint_sdk.web import serve

GALLERY = Path(__file__).with_name("known.fpg")


def main() -> None:
    # ONNX Runtime reports to Microsoft from 1.29 on, unless this is set before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    extractor = load(os.environ.get("FINGERPRINT_MODEL"), device="cpu")
    serve(
        extractor,
        Gallery.load(GALLERY, extractor) if GALLERY.exists() else None,
        # A Space is a container of its own: its router has to reach the page from outside.
        host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"),
        port=int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
        max_upload=float(os.environ.get("FINGERPRINT_MAX_UPLOAD", "10")),
    )


if __name__ == "__main__":
    main()
