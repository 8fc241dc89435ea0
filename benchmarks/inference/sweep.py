"""Throughput and latency of `Extractor.embed`, by size, batch and threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import fingerprint_sdk as fp
from benchmarks.inference.images import DISTINCT

Note = Callable[[str], None]


def sweep(
    extractors: dict[int | None, fp.Extractor],
    files: dict[int, list[Path]],
    batches: Iterable[int],
    *,
    rounds: int,
    seconds: float,
    note: Note,
) -> list[dict[str, Any]]:
    """Time every setting once a round, so that a busy spell of the machine meets all of them.

    Args:
        extractors: by number of threads.
        files: PNG files by size in pixels.
        batches: images given to one call of `embed`.
        rounds: how often at most; after `seconds` no further round begins.
    """
    arrays = {size: [np.asarray(Image.open(p)) for p in paths] for size, paths in files.items()}
    settings = list(product(extractors, files, batches, (False, True)))
    times: dict[tuple[Any, ...], list[float]] = {setting: [] for setting in settings}
    for extractor in extractors.values():
        extractor.embed(next(iter(arrays.values()))[0])
    started = time.monotonic()
    for done in range(rounds):
        if done and time.monotonic() - started > seconds:
            break
        for threads, size, batch, decode in settings:
            source: list[Any] = list(files[size]) if decode else list(arrays[size])
            images = [source[i % len(source)] for i in range(batch)]
            for _ in range(max(1, DISTINCT // batch)):
                elapsed = _seconds(extractors[threads], images)
                times[threads, size, batch, decode].append(elapsed)
        note(f"sweep: round {done + 1} of {rounds}")
    return [
        {
            "threads": threads,
            "pixels": size,
            "batch": batch,
            "decode": decode,
            "calls": len(seconds_each),
            "latency_ms": 1e3 * statistics.median(seconds_each),
            "best_latency_ms": 1e3 * min(seconds_each),
            "images_per_s": batch / statistics.median(seconds_each),
        }
        for (threads, size, batch, decode), seconds_each in times.items()
    ]


def _seconds(extractor: fp.Extractor, images: list[Any]) -> float:
    # On a GPU the whole batch is one call of the model; a CPU gains nothing from that.
    options = {"batch_size": len(images)} if extractor.device == "cuda" else {}
    started = time.perf_counter()
    extractor.embed(images, **options)
    return time.perf_counter() - started
