"""A long computation over models, one file a model: killed at any moment, it resumes.

Several machines may compute into one folder: whoever computes a file holds a claim on it.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fingerprint_sdk.files import claimed, locked, write_bytes, write_text
from trainer.progress import Progress, silent
from trainer.shard import WHOLE, Shard

_PAUSE = 0.5  # seconds between two looks at what others are computing


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
    if not names:
        raise ValueError(f"{out}: no model to compute anything for")
    compute_files(out, plan, names, compute, stage=stage, workers=workers, progress=progress)
    first = np.load(_file(out, names[0]))
    rows = np.empty((len(names), *first.shape), first.dtype)
    for i, name in enumerate(names):
        rows[i] = np.load(_file(out, name))
    return rows


def compute_files(
    out: Path,
    plan: dict[str, Any],
    names: tuple[str, ...],
    compute: Callable[[int], np.ndarray],
    *,
    shard: Shard = WHOLE,
    stage: str = "models",
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """The files of `compute_sharded` for a shard of the names, and no more.

    It returns when all of them are there, whoever computed them.
    """
    out.mkdir(parents=True, exist_ok=True)
    _check_plan(out, plan)

    def make(i: int) -> bool:
        """Whether the file is there; it is not while another computes it."""
        path = _file(out, names[i])
        if path.exists():
            return True
        path.parent.mkdir(parents=True, exist_ok=True)
        with claimed(path) as ours:
            if ours:
                content = io.BytesIO()  # NumPy notices no full disk where its last bytes should go
                np.save(content, compute(i))
                write_bytes(path, content.getvalue())
        return ours or path.exists()

    missing: list[int] = list(shard.take(range(len(names))))
    total, done = len(missing), 0
    threads = torch.get_num_threads()  # a worker's single one is in part everybody's
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as executor:
        while missing:
            futures = {executor.submit(make, i): i for i in missing}
            missing = []
            for future in as_completed(futures):
                if future.exception() is not None:
                    executor.shutdown(cancel_futures=True)
                if not future.result():
                    missing.append(futures[future])
                    continue
                done += 1
                if done % 20 == 0 or done == total:
                    progress(stage, done, total)
            if len(missing) == len(futures):  # others are computing all that is left
                time.sleep(_PAUSE)
            missing.sort()
    torch.set_num_threads(threads)


def _file(out: Path, name: str) -> Path:
    return out / f"{name}.npy"


def _check_plan(out: Path, plan: dict[str, Any]) -> None:
    path = out / "plan.json"
    with locked(path):
        if not path.exists():
            write_text(path, json.dumps(plan))
    if json.loads(path.read_text()) != json.loads(json.dumps(plan)):
        raise ValueError(f"{out} was begun with another recipe; give another --out")
