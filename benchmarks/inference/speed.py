"""Throughput and latency of `Extractor.embed`, and the paper's pipeline beside it in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

import fingerprint_sdk as fp
from benchmarks.inference.paper import PaperPipeline

Pixels = npt.NDArray[np.uint8]
Note = Callable[[str], None]

_DISTINCT = 8
_OURS_PER_ROUND = 5


def make_image(pixels: int, seed: int) -> Pixels:
    """A square picture with content and noise, so that its PNG is of a usual size."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (pixels // 32, pixels // 32, 3), np.uint8))
    content = np.asarray(coarse.resize((pixels, pixels), Image.Resampling.BICUBIC), np.float32)
    noisy = content + rng.normal(0, 2, content.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def write_images(folder: Path, sizes: Iterable[int]) -> dict[int, list[Path]]:
    """Some PNG files of each size."""
    written: dict[int, list[Path]] = {}
    for size in sizes:
        written[size] = [folder / f"{size}_{i}.png" for i in range(_DISTINCT)]
        for i, path in enumerate(written[size]):
            Image.fromarray(make_image(size, i)).save(path)
    return written


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
            # On a GPU the whole batch is one call of the model; a CPU gains nothing from that.
            on_gpu = extractors[threads].device == "cuda"
            for _ in range(max(1, _DISTINCT // batch)):
                elapsed = _time(extractors[threads].embed, images, batch if on_gpu else None)[0]
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


def compare(
    extractor: fp.Extractor,
    paper: PaperPipeline,
    threads: int | None,
    pixels: int,
    *,
    rounds: int,
    note: Note,
) -> dict[str, Any]:
    """The paper's pipeline and ours on one decoded image, in turn; the ratio of each round.

    The ratio of CPU times says the same of a machine that other programs keep busy, but counts
    the waiting of idle threads as work, so it is exact for one thread only.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    image = make_image(pixels, 0)
    paper.embed(image)
    extractor.embed(image)
    theirs, ours = [], []
    for done in range(rounds):
        theirs.append(_time(paper.embed, image))
        each = [_time(extractor.embed, image) for _ in range(_OURS_PER_ROUND)]
        ours.append(tuple(statistics.median(column) for column in zip(*each, strict=True)))
        note(f"comparison, {threads} threads: round {done + 1} of {rounds}")
    wall = [a[0] / b[0] for a, b in zip(theirs, ours, strict=True)]
    cpu = [a[1] / b[1] for a, b in zip(theirs, ours, strict=True)]
    return {
        "threads": threads,
        "pixels": pixels,
        "rounds": rounds,
        "paper_ms": 1e3 * statistics.median(t[0] for t in theirs),
        "ours_ms": 1e3 * statistics.median(t[0] for t in ours),
        "ours_best_ms": 1e3 * min(t[0] for t in ours),
        "ratio": statistics.median(wall),
        "ratio_lowest": min(wall),
        "ratio_highest": max(wall),
        "cpu_ratio": statistics.median(cpu),
    }


def _time(embed: Callable[..., Any], images: Any, batch: int | None = None) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    options = {} if batch is None else {"batch_size": batch}
    wall, cpu = time.perf_counter(), time.process_time()
    embed(images, **options)
    return time.perf_counter() - wall, time.process_time() - cpu
