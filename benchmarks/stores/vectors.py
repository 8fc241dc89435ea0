"""Vectors like embeddings: images of 1,000 generators, each around its own direction."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

SIZE = 641
_GENERATORS, _SPREAD = 1000, 1.0
_AT_ONCE = 10_000
Vectors = npt.NDArray[np.float32]


def vectors(count: int, *, seed: int = 0) -> Iterator[Vectors]:
    """Some after another, ``count`` in all: two of one generator have a cosine of about 0.5.

    Noise in all directions is the hard case: real embeddings vary in fewer.
    """
    centres = _unit(np.random.default_rng(641).standard_normal((_GENERATORS, SIZE), np.float32))
    rng = np.random.default_rng(seed)
    for start in range(0, count, _AT_ONCE):
        rows = _unit(rng.standard_normal((min(_AT_ONCE, count - start), SIZE), np.float32))
        yield _unit(centres[rng.integers(_GENERATORS, size=len(rows))] + _SPREAD * rows)


def probes(count: int) -> Vectors:
    """Others of the same generators."""
    return np.concatenate(list(vectors(count, seed=1)))


def copy_rows(rows: Vectors, first: int) -> bytes:
    """Rows of `(id integer, v vector)` for PostgreSQL's binary COPY, without its header."""
    head = np.frombuffer(struct.pack(">hi", 2, 4), np.uint8)
    size = np.frombuffer(struct.pack(">ihh", 4 + 4 * SIZE, SIZE, 0), np.uint8)
    ids = np.arange(first, first + len(rows), dtype=">i4").view(np.uint8).reshape(-1, 4)
    values = rows.astype(">f4").view(np.uint8)
    fixed = [np.broadcast_to(part, (len(rows), len(part))) for part in (head, size)]
    return np.concatenate([fixed[0], ids, fixed[1], values], axis=1).tobytes()


def _unit(rows: Vectors) -> Vectors:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
