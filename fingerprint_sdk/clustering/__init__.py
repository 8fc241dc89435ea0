"""Grouping without labels: which images of a heap share a generator?

Two methods from scikit-learn:

- ``agglomerative`` (the default): average linkage on the cosine. Two groups become one while the
  mean score of their image pairs reaches the threshold of one image against one at a false match
  rate. A small rate keeps groups pure but may tear a generator apart, a large one joins
  generators that resemble each other. (Cutting at even odds joins far too much on real images:
  unlike noise, the resemblance of two generators does not average out over their images.)
  At most 20,000 images, which take about a minute and 3.4 GB of memory (3.6 GB with all the
  rest of the program); both grow with the square of their number, see ``memory_needed``.
- ``hdbscan``: groups are dense regions, at whatever score. Uncalibrated; for heaps too large for
  the scores of all pairs, with many images of each generator. Never finds one group only.
  5,000 images take half a minute and 0.2 GB; the time grows with the square of their number, the
  memory with the number.
"""

from fingerprint_sdk.clustering.group import check_arguments, cluster, cluster_embeddings
from fingerprint_sdk.clustering.memory import MAX_AGGLOMERATIVE, memory_needed
from fingerprint_sdk.clustering.result import ALONE, Clustering, ClusteringScore, Method

__all__ = [
    "ALONE",
    "MAX_AGGLOMERATIVE",
    "Clustering",
    "ClusteringScore",
    "Method",
    "check_arguments",
    "cluster",
    "cluster_embeddings",
    "memory_needed",
]
