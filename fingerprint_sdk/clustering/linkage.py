"""The two ways to group: average linkage of scores, and the density of embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.clustering.memory import check_memory
from fingerprint_sdk.clustering.result import ALONE, Method
from fingerprint_sdk.extras import need

_AT_ONCE = 64  # rows of scores that are made at a time, 10 MB of 20,000 images


def labels_of(
    embeddings: npt.NDArray[np.float64],
    explained: npt.NDArray[np.float64],
    method: Method,
    threshold: float,
    min_images: int,
) -> npt.NDArray[np.integer[Any]]:
    """A label for each image; -1 only by HDBSCAN, whose noise it is.

    Args:
        embeddings: shape (n, D), L2-normalised.
        explained: what processing explains of each image, shape (n,); HDBSCAN has no use for it.
        method: "agglomerative" joins while the mean score of two groups reaches the threshold.
        threshold: a score, for "agglomerative".
        min_images: smaller groups are none, for "hdbscan".

    Raises:
        FingerprintError: the images are too many for "agglomerative".
    """
    if len(embeddings) < min_images:
        return np.full(len(embeddings), ALONE)
    if method == "hdbscan":
        # On the unit sphere the squared Euclidean distance is 2 - 2 cosine: the same order.
        model = need("sklearn.cluster", "cluster", "grouping images").HDBSCAN(
            min_cluster_size=min_images, copy=True
        )
        return np.asarray(model.fit(embeddings).labels_)
    check_memory(len(embeddings))
    # What scikit-learn itself calls, without the copies of a square matrix that it makes before.
    hierarchy = need("scipy.cluster.hierarchy", "cluster", "grouping images")
    merges = hierarchy.linkage(_distances(embeddings, explained), "average")
    return np.asarray(hierarchy.fcluster(merges, 1 - threshold, "distance")) - 1


def _distances(
    embeddings: npt.NDArray[np.float64], explained: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """One less the score of every two images, shape (n (n - 1) / 2,), row by row."""
    count = len(embeddings)
    distances = np.empty(count * (count - 1) // 2)
    filled = 0
    for start in range(0, count, _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        block = 1 - embeddings[rows] @ embeddings.T + explained[rows, None] + explained
        for place, row in enumerate(np.maximum(block, 0, out=block), start + 1):
            distances[filled : filled + count - place] = row[place:]
            filled += count - place
    return distances
