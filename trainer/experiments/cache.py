"""Results kept on disk: a killed command goes on, and experiments share what they computed.

A result has the path of a file, named after what made it (`cache_key`), and is computed when there
is no such file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint_sdk.files import replacing, write_text


def cache_key(*made_from: object) -> str:
    """16 hexadecimal digits that tell what made a result.

    `made_from` is all that it depends on, in JSON's own types; keys of objects in any order.
    """
    text = json.dumps(made_from, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kept_arrays(
    path: Path, compute: Callable[[], Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Arrays by name, any name, as `path` (.npz) has them or as `compute` gives them."""
    if not path.exists():
        computed = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, np.array(list(computed)), *computed.values())
    with np.load(path, allow_pickle=False) as stored:
        names, *arrays = (stored[f"arr_{i}"] for i in range(len(stored.files)))
        return dict(zip(map(str, names), arrays, strict=True))


def kept_json(path: Path, compute: Callable[[], Any]) -> Any:
    """Plain values, as `path` (.json) has them or as `compute` gives them."""
    if not path.exists():
        text = json.dumps(compute())
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    return json.loads(path.read_text(encoding="utf-8"))
