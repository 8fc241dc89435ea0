"""Fuzzing that follows the code it reaches, with Atheris (``pip install atheris``, Linux):

    PYTHONPATH=tests python -m fuzz.coverage_guided image -max_total_time=600

The first argument is a kind of ``targets``, or ``image`` for the decoders; what follows is for
libFuzzer. Good inputs of the kind are where it starts.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fingerprint_sdk"], enable_loader_override=False):
    import fingerprint_sdk as fp
    from fingerprint_sdk import calibration, extractor, gallery, index  # noqa: F401
    from fingerprint_sdk.files import parts  # noqa: F401
    from fingerprint_sdk.images import load_image
    from fingerprint_sdk.runtime import onnx_file  # noqa: F401
    from fingerprint_sdk.zoo import description  # noqa: F401

from fuzz.targets import Workshop
from PIL import Image, features
from support.tiny_model import TINY_CALIBRATION, synthetic_image


def images() -> list[bytes]:
    """A small picture in every format that is read."""
    picture = Image.fromarray(synthetic_image(0, 0, 24, 32))
    kinds = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"]
    kinds += ["AVIF"] * features.check("avif") + ["JPEG2000"] * features.check("jpg_2000")
    found = []
    for kind in kinds:
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        found.append(buffer.getvalue())
    return found


def main() -> None:
    """Fuzz until libFuzzer is told to stop, or something foreign is raised."""
    kind, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        seeds = {
            "image": images(),
            "gallery": workshop.galleries,
            "index": workshop.indexes,
            "onnx": [workshop.model],
            "config": [json.dumps(workshop.config).encode()],
            "calibration": [json.dumps(TINY_CALIBRATION).encode()],
        }[kind]
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for place, seed in enumerate(seeds):
            (corpus / str(place)).write_bytes(seed)
        give = load_image if kind == "image" else workshop.targets[kind].give

        def once(content: bytes) -> None:
            with suppress(
                fp.FingerprintError, UnicodeDecodeError if kind == "calibration" else ()
            ):
                give(content)

        atheris.Setup([sys.argv[0], *options, str(corpus)], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
