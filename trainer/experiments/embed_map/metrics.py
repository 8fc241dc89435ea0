"""Maps of embeddings (paper, Fig. 13): t-SNE, and UMAP when it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class Map:
    """Images as points in the plane.

    Attributes:
        method: "t-SNE" or "UMAP".
        points: float64, shape (n, 2).
        labels: the generator of each point.
        files: "generator/file" of each point.
        trustworthiness: share of the plane's neighbours that are neighbours in the embedding, 0
            to 1 (Venna and Kaski; 5 neighbours).
    """

    method: str
    points: np.ndarray
    labels: tuple[str, ...]
    files: tuple[str, ...]
    trustworthiness: float


@dataclass(frozen=True)
class Separation:
    """How far apart generators lie in the embedding itself, whatever the map shows.

    Attributes:
        silhouette: mean silhouette coefficient by cosine distance, -1 to 1.
        neighbours: share of the 5 nearest other images that are by the same generator.
        own: the same, for each generator.
        nearest_other: the other generator that most of a generator's neighbours belong to, and
            its share; None where all neighbours are its own.
    """

    silhouette: float
    neighbours: float
    own: dict[str, float]
    nearest_other: dict[str, tuple[str, float] | None]


def methods() -> tuple[str, ...]:
    """The methods that can be used here."""
    return ("t-SNE", "UMAP") if importlib.util.find_spec("umap") else ("t-SNE",)


def draw_map(
    embeddings: Mapping[str, np.ndarray],
    images: Mapping[str, Sequence[Path]],
    method: str = "t-SNE",
    *,
    perplexity: float = 30.0,
    seed: int = 0,
) -> Map:
    """Lay embeddings out in the plane by cosine distance.

    Args:
        embeddings: for each generator float (n, D), L2-normalised.
        images: the paths they came from, in the same order.
        method: one of `methods()`.
        perplexity: of t-SNE, lowered for fewer than 91 images; UMAP's number of neighbours.
        seed: of the layout.

    Raises:
        ValueError: fewer than 8 images, or a method that is not at hand.
    """
    from sklearn.manifold import trustworthiness

    if method not in methods():
        raise ValueError(f"{method!r} cannot be used: pip install umap-learn for UMAP")
    rows = np.concatenate(list(embeddings.values())).astype(np.float64)
    if len(rows) < 8:
        raise ValueError(f"a map needs at least 8 images, not {len(rows)}")
    scale = min(perplexity, (len(rows) - 1) / 3)
    points = (_tsne if method == "t-SNE" else _umap)(rows, scale, seed).astype(np.float64)
    labels = [model for model, values in embeddings.items() for _ in range(len(values))]
    files = [f"{model}/{path.name}" for model in embeddings for path in images[model]]
    neighbours = min(NEIGHBOURS, (len(rows) - 1) // 2)
    trust = float(trustworthiness(rows, points, n_neighbors=neighbours, metric="cosine"))
    return Map(method, points, tuple(labels), tuple(files), trust)


def measure_separation(embeddings: Mapping[str, np.ndarray]) -> Separation:
    """Silhouette and nearest neighbours, by cosine similarity.

    Args:
        embeddings: for each of at least two generators float (n, D), L2-normalised, n >= 2.
    """
    from sklearn.metrics import silhouette_score

    names = list(embeddings)
    rows = np.concatenate(list(embeddings.values()))
    labels = np.repeat(np.arange(len(names)), [len(values) for values in embeddings.values()])
    similarity = rows @ rows.T
    np.fill_diagonal(similarity, -np.inf)  # an image is no neighbour of itself
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]
    shares = np.zeros((len(names), len(names)))
    for k in range(len(names)):
        shares[k] = np.bincount(labels[nearest[labels == k]].ravel(), minlength=len(names))
    shares /= shares.sum(axis=1, keepdims=True)
    others = shares - np.diag(np.diag(shares))
    return Separation(
        float(silhouette_score(rows, labels, metric="cosine")),
        float(np.mean(labels[nearest] == labels[:, None])),
        {name: float(shares[k, k]) for k, name in enumerate(names)},
        {
            name: (names[int(others[k].argmax())], float(others[k].max()))
            if others[k].max() > 0
            else None
            for k, name in enumerate(names)
        },
    )


def _tsne(rows: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    # The rows are unit vectors: squared Euclidean distance is twice the cosine distance.
    layout = TSNE(perplexity=perplexity, init="pca", random_state=seed, metric="cosine")
    return layout.fit_transform(rows)


def _umap(rows: np.ndarray, neighbours: float, seed: int) -> np.ndarray:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap warns that a seed costs parallelism
        from umap import UMAP

        count = max(2, round(neighbours))
        return UMAP(n_neighbors=count, metric="cosine", random_state=seed).fit_transform(rows)
