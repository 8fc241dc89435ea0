"""Make the built-in gallery of a model: an entry for each source of each family."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import fingerprint_sdk as fp
from fingerprint_sdk.files import write_text
from fingerprint_sdk.gallery import Provenance
from fingerprint_sdk.zoo import CONFIG_NAME, KNOWN_NAME
from trainer.known.manifest import Family, KnownFile, checked


def build_known(
    model: Path,
    rows: Sequence[KnownFile],
    families: Mapping[str, Family],
    images: Path,
    progress: Callable[[str], None] = print,
) -> Path:
    """Enroll all files, write `known.fpg` into the model's folder, and promise it in its config.

    Args:
        model: the folder, e.g. `zoo/compact`.
        rows: of the manifest.
        families: by the key that rows name.
        images: the folder that the rows' files lie below.
        progress: called with the name of each entry when it is done.

    Raises:
        FileNotFoundError, ValueError: a file is missing, or is not the one in the manifest; an
            image carries lossy compression, whose traces would draw all lossy probes; or a family
            is not described.
    """
    extractor = fp.load(model)
    gallery = fp.Gallery(extractor)
    for (key, source), found in groupby(sorted(rows, key=_entry), key=_entry):
        if key not in families:
            raise ValueError(f"no family {key!r} is described")
        files = list(found)
        known = families[key]
        name = f"{known.family} / {source}"
        quality = gallery.enroll(
            name,
            [checked(row, images) for row in files],
            notes=", ".join(sorted({row.repository for row in files})),
            provenance=Provenance(
                family=known.family,
                members=known.members,
                source=source,
                formats=tuple(sorted(Counter(row.format for row in files).items())),
                dates=f"since {known.since}",
            ),
        )
        if lossy := [row.file for row, q in zip(files, quality, strict=True) if q.lossy]:
            raise ValueError(f"{lossy[0]} carries lossy compression: leave it out")
        progress(name)
    path = model / KNOWN_NAME
    gallery.save(path)
    promise(model, KNOWN_NAME)
    return path


def promise(model: Path, name: str) -> None:
    """Write the size and the SHA-256 of a file into the model's `config.json`."""
    path = model / CONFIG_NAME
    config = json.loads(path.read_text())
    content = (model / name).read_bytes()
    config["files"][name] = {"sha256": sha256(content).hexdigest(), "size": len(content)}
    write_text(path, json.dumps(config, indent=2) + "\n")


def _entry(row: KnownFile) -> tuple[str, str]:
    return row.family, row.source
