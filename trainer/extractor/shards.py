"""A long computation over models, one file a model: killed at any moment, it resumes."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fingerprint_sdk.files import write_bytes, write_text
from trainer.progress import Progress, silent


def compute_sharded(
    out: Path,
    plan: dict[str, Any],
    names: tuple[str, ...],
    compute: Callable[[int], np.ndarray],
    *,
    stage: str = "models",
    workers: int = 1,
    progress: Progress = silent,
) -> np.ndarray:
    """Stack `compute(i)` for every name, each kept as `out/NAME.npy`; names may be added later.

    `workers` threads compute, each on one core: torch, NumPy and Pillow let go of the interpreter.

    `plan` says what is computed; a folder begun with another plan raises ValueError.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan_file = out / "plan.json"
    if plan_file.exists() and json.loads(plan_file.read_text()) != json.loads(json.dumps(plan)):
        raise ValueError(f"{out} was begun with another recipe; give another --out")
    write_text(plan_file, json.dumps(plan))

    def row_of(i: int) -> np.ndarray:
        path = out / f"{names[i]}.npy"
        if not path.exists():
            row = compute(i)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = (
                io.BytesIO()
            )  # NumPy notices no full disk where a file's last bytes should go
            np.save(content, row)
            write_bytes(path, content.getvalue())
        return np.load(path)

    rows: np.ndarray | None = None
    threads = torch.get_num_threads()  # a worker's single one is in part everybody's
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as executor:
        for i, row in enumerate(_in_order(executor, row_of, len(names), ahead=4 * workers)):
            if rows is None:
                rows = np.empty((len(names), *row.shape), row.dtype)
            rows[i] = row
            if (i + 1) % 20 == 0 or i + 1 == len(names):
                progress(stage, i + 1, len(names))
    torch.set_num_threads(threads)
    if rows is None:
        raise ValueError(f"{out}: no model to compute anything for")
    return rows


def _in_order(
    executor: ThreadPoolExecutor, function: Callable[[int], np.ndarray], count: int, *, ahead: int
) -> Iterator[np.ndarray]:
    """`map` that neither runs far ahead of its reader nor keeps what was read."""
    pending: deque[Future[np.ndarray]] = deque()
    for i in range(count):
        pending.append(executor.submit(function, i))
        if len(pending) > ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
