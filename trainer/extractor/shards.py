"""A long computation over models, one file a model: killed at any moment, it resumes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Progress = Callable[[int, int], None]


def compute_sharded(
    out: Path,
    plan: dict[str, Any],
    names: tuple[str, ...],
    compute: Callable[[int], np.ndarray],
    *,
    progress: Progress | None = None,
) -> np.ndarray:
    """Stack `compute(i)` for every name, each kept as `out/NAME.npy`; models may be added later.

    `plan` says what is computed; a folder begun with another plan raises ValueError.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan_file = out / "plan.json"
    if plan_file.exists() and json.loads(plan_file.read_text()) != plan:
        raise ValueError(f"{out} was begun with another recipe; give another --out")
    _replace(plan_file, lambda file: file.write(json.dumps(plan).encode()))
    rows: np.ndarray | None = None
    for i, name in enumerate(names):
        path = out / f"{name}.npy"
        if path.exists():
            row = np.load(path)
        else:
            row = compute(i)
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, lambda file, row=row: np.save(file, row))
        if rows is None:
            rows = np.empty((len(names), *row.shape), row.dtype)
        rows[i] = row
        if progress is not None and ((i + 1) % 20 == 0 or i + 1 == len(names)):
            progress(i + 1, len(names))
    if rows is None:
        raise ValueError(f"{out}: no model to compute anything for")
    return rows


def _replace(path: Path, write: Callable[[Any], Any]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        write(file)
    temporary.replace(path)
