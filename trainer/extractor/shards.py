"""A long computation over models, kept in shards: killed at any moment, it resumes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHARD = 32
Progress = Callable[[int, int], None]


def compute_sharded(
    out: Path,
    plan: dict[str, Any],
    count: int,
    compute: Callable[[int], np.ndarray],
    *,
    progress: Progress | None = None,
) -> np.ndarray:
    """Stack `compute(i)` for i in 0..count-1, saving every 32 results as `out/SHARD.npy`.

    `plan` says what is computed; a folder begun with another plan raises ValueError.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan_file = out / "plan.json"
    if plan_file.exists() and json.loads(plan_file.read_text()) != plan:
        raise ValueError(
            f"{out} was begun from other models or another recipe; give another --out"
        )
    _replace(plan_file, lambda file: file.write(json.dumps(plan).encode()))
    shards = []
    for start in range(0, count, SHARD):
        path = out / f"{start:06d}.npy"
        if not path.exists():
            rows = np.stack([compute(i) for i in range(start, min(start + SHARD, count))])
            _replace(path, lambda file, rows=rows: np.save(file, rows))
        shards.append(np.load(path))
        if progress is not None:
            progress(min(start + SHARD, count), count)
    return np.concatenate(shards)


def _replace(path: Path, write: Callable[[Any], Any]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        write(file)
    temporary.replace(path)
