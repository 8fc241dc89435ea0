"""What is measured, each step in a process of its own that prints its figures as JSON.

    python -m benchmarks.index.steps STEP ARGUMENTS…

Times in seconds; memory in bytes: "peak" is all that was resident at once, of files, too, and
"own" what of it the process must have for itself at the end.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

import fingerprint_sdk as fp
from benchmarks.inference.processes import peak_mib
from fingerprint_sdk.clustering import cluster_embeddings, memory_needed

Figures = dict[str, float]
_AT_ONCE = 10_000
_PICTURE = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)


def make(path: str, rows: str, half: str) -> Figures:
    """Write an index of random unit vectors with made-up file names."""
    count, model = int(rows), fp.load(device="cpu")
    fp.Index(model).save(path)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    embeddings = np.empty((count, model.embedding_size), np.float16 if int(half) else np.float32)
    for start in range(0, count, _AT_ONCE):
        embeddings[start : start + _AT_ONCE] = _random_rows(start, embeddings[start:][:_AT_ONCE])
    names = "".join(f"{_name(number)}\0" for number in range(count)).encode()
    tensors = {
        "embeddings": embeddings,
        "lossy": np.zeros(count, np.uint8),
        "stamps": np.full((count, 2), -1, np.int64),
        "names": np.frombuffer(names, np.uint8),
    }
    save_file(tensors, path, metadata)
    return {"file": Path(path).stat().st_size, "rows": count, "numbers": model.embedding_size}


def load(path: str) -> Figures:
    """Open an index and search it, by an image and by 16 embeddings."""
    index, opening = _opened(path)
    opened = {"open_s": opening, "open_peak": _peak(), "open_own": _own()}
    probes = _random_rows(1, np.empty((16, index.model.embedding_size), np.float32))
    first = _seconds(lambda: index.search(_PICTURE))
    again = [_seconds(lambda: index.search(_PICTURE)) for _ in range(5)]
    many = _seconds(lambda: index.nearest(probes))
    return {
        **opened,
        "first_search_s": first,
        "search_s": statistics.median(again),
        "search_16_s": many,
        "search_peak": _peak(),
        "search_own": _own(),
    }


def add(path: str) -> Figures:
    """Add an image and save, ten times."""
    index, _ = _opened(path)
    before = _peak()
    adding, saving = [], []
    for number in range(10):
        adding.append(_seconds(lambda n=number: index.add([_PICTURE], names=[f"new {n}"])))
        saving.append(_seconds(lambda: index.save(path)))
    return {
        "add_s": statistics.median(adding),
        "save_s": statistics.median(saving),
        "slowest_add_and_save_s": max(map(sum, zip(adding, saving, strict=True))),
        "peak": _peak(),
        "peak_more": _peak() - before,
    }


def save(path: str, other: str) -> Figures:
    """Write all of an open index to another file."""
    index, _ = _opened(path)
    return {"save_s": _seconds(lambda: index.save(other)), "peak": _peak(), "own": _own()}


def remove(path: str, every: str) -> Figures:
    """Remove some images, one in ``every`` (0: one only), and save in place."""
    index, _ = _opened(path)
    gone = index.names[:: int(every)] if int(every) else [_name(len(index) // 2)]
    removing = _seconds(lambda: index.remove(gone))
    own = _own()
    saving = _seconds(lambda: index.save(path))
    return {"remove_s": removing, "save_s": saving, "peak": _peak(), "own": own}


def cluster(count: str, method: str) -> Figures:
    """Group vectors around 200 directions."""
    model = fp.load(device="cpu")
    size = model.embedding_size
    centres = _random_rows(0, np.empty((200, size), np.float32))
    rows = _random_rows(1, np.empty((int(count), size), np.float32))
    rows = centres[np.arange(len(rows)) % 200] + 0.3 * rows
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    before = _peak()
    seconds = _seconds(lambda: cluster_embeddings(rows, model.calibration, method=method))
    said = {"said": memory_needed(int(count))} if method == "agglomerative" else {}
    return {"seconds": seconds, "peak": _peak(), "peak_more": _peak() - before, **said}


def enroll(entries: str) -> Figures:
    """Enroll one more generator, of ten embeddings, in a gallery of many, and search it."""
    model = fp.load(device="cpu")
    gallery = fp.Gallery(model)
    other = fp.Gallery(model)
    for number in range(int(entries)):
        rows = _random_rows(number, np.empty((10, model.embedding_size), np.float32))
        (gallery if number % 2 else other).enroll(f"model {number}", rows)
    merging = _seconds(lambda: gallery.merge(other))
    probe = _random_rows(0, np.empty((1, model.embedding_size), np.float32))
    first = _seconds(lambda: gallery.search(probe, model.calibration))
    again = _seconds(lambda: gallery.search(probe, model.calibration))
    enrolling = _seconds(lambda: gallery.enroll("new", probe))
    after = _seconds(lambda: gallery.search(probe, model.calibration))
    return {
        "merge_s": merging,
        "first_search_s": first,
        "search_s": again,
        "enroll_s": enrolling,
        "search_after_s": after,
    }


def _opened(path: str) -> tuple[fp.Index, float]:
    model = fp.load(device="cpu")
    model.embed([_PICTURE])
    started = time.perf_counter()
    index = fp.Index.load(path, model)
    return index, time.perf_counter() - started


def _name(number: int) -> str:
    return f"/archive/{number // 1000:04d}/{number:07d}.png"


def _random_rows(seed: int, like: np.ndarray) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal(like.shape, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _peak() -> float:
    return peak_mib() * 2**20


def _own() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


STEPS = {step.__name__: step for step in (make, load, add, save, remove, cluster, enroll)}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))
