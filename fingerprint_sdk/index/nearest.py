"""The nearest rows of an index to some probes: exactly, or by a graph."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import Embeddings
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.extras import need

# Measured on random unit vectors, D = 128, the worst case: recall above 0.99 of the best ten.
_GRAPH = {"connectivity": 32, "expansion_add": 256, "expansion_search": 1024}


def make_graph(embeddings: Embeddings) -> Any:
    """usearch's graph over the rows; see ``Index.build_graph``."""
    usearch = need("usearch.index", "search", "approximate search")
    if not len(embeddings):
        raise GalleryError("the index is empty: add images first")
    graph = usearch.Index(ndim=embeddings.shape[1], metric="ip", dtype="f32", **_GRAPH)
    graph.add(np.arange(len(embeddings), dtype=np.uint64), embeddings)
    return graph


def nearest_rows(
    embeddings: Embeddings,
    probes: npt.NDArray[np.float32],
    top: int,
    graph: Any | None,
    lock: AbstractContextManager[Any],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Places of the rows and their scores, both of shape (q, min(top, N)), by falling score.

    The graph, if there is one, is searched within ``lock``; where it reaches too few rows, the
    search is exact.
    """
    top = min(top, len(embeddings))
    found = []
    for probe in probes:
        place = None if graph is None else _by_graph(graph, probe, top, lock)
        found.append(_best(embeddings @ probe, top) if place is None else place)
    places = np.array(found, np.intp).reshape(-1, top)
    scores = np.einsum("qkd,qd->qk", embeddings[places], probes)
    return places, np.clip(scores, -1, 1).astype(np.float32)


def _by_graph(
    graph: Any, probe: npt.NDArray[np.float32], top: int, lock: AbstractContextManager[Any]
) -> Any:
    """Places by falling score; None if the graph reaches fewer than ``top``."""
    with lock:  # usearch has as many places for searching threads as cores, no more
        keys = graph.search(probe, top).keys
    return keys if len(keys) == top else None


def _best(scores: npt.NDArray[np.float32], top: int) -> npt.NDArray[np.intp]:
    """Places of the ``top`` largest scores, by falling score; of equal ones the earlier first."""
    few = np.sort(np.argpartition(-scores, top - 1)[:top])
    return few[np.argsort(-scores[few], kind="stable")]
