"""What is known of an image file without any model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fingerprint_sdk.cli.shared.declaration import print_declaration
from fingerprint_sdk.cli.shared.output import print_json, print_pairs
from fingerprint_sdk.cli.shared.sniff import is_image
from fingerprint_sdk.files.endings import SUFFIXES


def is_image_file(path: Path) -> bool:
    """Whether a file is there, and is an image by its ending or its first bytes."""
    return path.is_file() and (path.suffix.lower() in SUFFIXES or is_image(path))


def print_image(path: Path, show_prompts: bool, json: bool) -> None:
    """Print size, hash and quality of an image, and what its file declares.

    Raises:
        ImageError: it cannot be used.
    """
    from fingerprint_sdk.declaration import declared
    from fingerprint_sdk.explanation.declarations import declaration_dict
    from fingerprint_sdk.images import load_image
    from fingerprint_sdk.images.quality import assess, counted_windows

    loaded = load_image(path)
    quality = assess(loaded, counted_windows(loaded.pixels))
    declaration = declared(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    document: dict[str, Any] = {
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "quality": quality.to_dict(),
    }
    if json:
        document["declared"] = declaration_dict(declaration, None, show_prompts)
        print_json({"image": document})
        return
    measured = document.pop("quality")
    flags = ", ".join(measured.pop("flags")) or "none"
    del measured["deviation"]  # which a model would measure
    pairs = {**document, **measured, "flags": flags}
    print_pairs((name.replace("_", " "), value) for name, value in pairs.items())
    if declaration:
        print_declaration(None, declaration, None, show_prompts)
    else:
        print_pairs(
            [("declares", "nothing of itself"), *(("not read", n) for n in declaration.notes)]
        )
