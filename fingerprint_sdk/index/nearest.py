"""The nearest rows of an index to some probes: exactly, or by a graph."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.extras import need
from fingerprint_sdk.index.rows import Rows
from fingerprint_sdk.process.cores import cores

# Recall of the best ten: 0.998 among 10⁶ vectors (benchmarks/stores/speed.json). The graph keeps a
# byte for each number, so the best by the graph are found in any order, and among more of them are
# the best by exact cosines.
_GRAPH = {"connectivity": 32, "expansion_add": 256, "expansion_search": 1024, "dtype": "i8"}
_CANDIDATES = 4  # for each row that is asked for
_AT_ONCE = 16  # probes; their scores with 10⁶ rows take 64 MB


def make_graph(rows: Rows) -> Any:
    """usearch's graph over the rows; see ``Index.build_graph``."""
    usearch = need("usearch.index", "search", "approximate search")
    if not len(rows):
        raise GalleryError("the index is empty: add images first")
    graph = usearch.Index(ndim=rows.size, metric="ip", **_GRAPH)
    for where, embeddings in rows.chunks():
        graph.add(np.arange(where.start, where.stop, dtype=np.uint64), embeddings, threads=cores())
    return graph


def nearest_rows(
    rows: Rows,
    probes: npt.NDArray[np.float32],
    top: int,
    graph: Any | None,
    lock: AbstractContextManager[Any],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Places of the rows and their scores, both of shape (q, min(top, N)), by falling score.

    The graph, if there is one, is searched within ``lock``; where it reaches too few rows, the
    search is exact.
    """
    top = min(top, len(rows))
    places = np.empty((len(probes), top), np.intp)
    left = []
    for i, probe in enumerate(probes):
        found = None if graph is None else _by_graph(graph, rows, probe, top, lock)
        if found is None:
            left.append(i)
        else:
            places[i] = found
    for start in range(0, len(left), _AT_ONCE):
        some = left[start : start + _AT_ONCE]
        for i, scores in zip(some, _scores(rows, probes[some]), strict=True):
            places[i] = _best(scores, top)
    scores = np.einsum("qkd,qd->qk", rows.embeddings(places), probes)
    return places, np.clip(scores, -1, 1).astype(np.float32)


def _scores(rows: Rows, probes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of each probe with every row, shape (q, N)."""
    scores = np.empty((len(probes), len(rows)), np.float32)
    # For the many small pieces of a float16 index, the threads of a matrix product wait for each
    # other longer than they work, on a busy machine fifty times as long.
    product = partial(np.einsum, "nd,d->n") if rows.half else np.matmul
    for where, embeddings in rows.chunks():
        for row, probe in zip(scores, probes, strict=True):
            product(embeddings, probe, out=row[where])
    return scores


def _by_graph(
    graph: Any,
    rows: Rows,
    probe: npt.NDArray[np.float32],
    top: int,
    lock: AbstractContextManager[Any],
) -> npt.NDArray[np.intp] | None:
    """Places by falling score; None if the graph reaches fewer than ``top``."""
    wanted = min(_CANDIDATES * top, len(rows))
    with lock:  # usearch has as many places for searching threads as cores, no more
        keys = graph.search(probe, wanted).keys
    if len(keys) < top:
        return None
    places = np.sort(keys.astype(np.intp))
    return places[_best(rows.embeddings(places) @ probe, top)]


def _best(scores: npt.NDArray[np.float32], top: int) -> npt.NDArray[np.intp]:
    """Places of the ``top`` largest scores, by falling score; of equal ones the earlier first."""
    few = np.sort(np.argpartition(-scores, top - 1)[:top])
    return few[np.argsort(-scores[few], kind="stable")]
