"""Which base model does a variant come from (paper, IV-E and Fig. 14)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import squareform


@dataclass(frozen=True, eq=False)
class Tree:
    """An average-linkage dendrogram of fingerprints, by cosine distance.

    Attributes:
        names: the models, m of them.
        distances: float64, shape (m, m): 1 - cosine similarity of the fingerprints.
        merges: SciPy's linkage matrix, shape (m - 1, 4).
        support: of each merge, the share of bootstrap trees in which exactly its models form a
            branch, float64, shape (m - 1,).
        cophenetic: correlation of the tree's distances with the true ones, -1 to 1.
    """

    names: tuple[str, ...]
    distances: np.ndarray
    merges: np.ndarray
    support: np.ndarray
    cophenetic: float


@dataclass(frozen=True)
class Attribution:
    """Where a variant is traced to.

    Attributes:
        variant, base: the model, and its true base.
        nearest: the base whose fingerprint is nearest to the variant's.
        images: share of the variant's single images nearest to the true base.
        supported: share of bootstrap resamples in which the variant's fingerprint is nearest to
            the true base's.
        among_all: the nearest model of all others in the image set, whatever its family.
    """

    variant: str
    base: str
    nearest: str
    images: float
    supported: float
    among_all: str


def fingerprint(rows: np.ndarray) -> np.ndarray:
    """Gallery fingerprint: the L2-normalised mean of embeddings (n, D)."""
    mean = rows.mean(axis=0, dtype=np.float64)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def grow_tree(
    embeddings: Mapping[str, np.ndarray], *, resamples: int = 1000, seed: int = 0
) -> Tree:
    """Cluster models by their fingerprints, with bootstrap support over images.

    A resample draws as many images of each model with replacement; a branch that depends on a few
    images seldom comes back (Felsenstein's bootstrap, with images for sites).

    Args:
        embeddings: for each of at least three models float (n, D), L2-normalised.
        resamples: bootstrap trees.
        seed: of the resamples.

    Raises:
        ValueError: fewer than three models.
    """
    names = tuple(embeddings)
    if len(names) < 3:
        raise ValueError(f"a tree needs at least three models, not {list(names)}")
    distances = _distances([fingerprint(rows) for rows in embeddings.values()])
    condensed = squareform(distances, checks=False)
    merges = linkage(condensed, "average")
    branches = clades(merges)
    found = np.zeros(len(branches))
    for rows in _resampled(embeddings, resamples, seed):
        other = _distances([fingerprint(values) for values in rows])
        again = set(clades(linkage(squareform(other, checks=False), "average")))
        found += [branch in again for branch in branches]
    correlation = float(cophenet(merges, condensed)[0])
    return Tree(names, distances, merges, found / max(1, resamples), correlation)


def clades(merges: np.ndarray) -> list[frozenset[int]]:
    """The leaves below each merge of a linkage matrix."""
    count = len(merges) + 1
    below = [frozenset([leaf]) for leaf in range(count)]
    for left, right in merges[:, :2].astype(int):
        below.append(below[left] | below[right])
    return below[count:]


def family_agreement(tree: Tree, families: Mapping[str, str]) -> float:
    """Adjusted Rand index of the tree, cut into as many groups as families, with the families."""
    from sklearn.metrics import adjusted_rand_score

    truth = [families[name] for name in tree.names]
    groups = fcluster(tree.merges, len(set(truth)), "maxclust")
    return float(adjusted_rand_score(truth, groups))


def trace(
    embeddings: Mapping[str, np.ndarray],
    bases: Mapping[str, str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Attribution]:
    """Trace every variant to the base with the nearest fingerprint.

    Args:
        embeddings: for each model float (n, D), L2-normalised; models that are in neither side of
            `bases` only compete in `among_all`.
        bases: the true base of each variant.
        resamples, seed: of the bootstrap, see `grow_tree`.
    """
    names = list(embeddings)
    candidates = list(dict.fromkeys(bases.values()))
    prints = np.stack([fingerprint(rows) for rows in embeddings.values()])
    place = {name: k for k, name in enumerate(names)}
    columns = [place[base] for base in candidates]
    hits = dict.fromkeys(bases, 0)
    wanted = {name: embeddings[name] for name in dict.fromkeys([*bases, *candidates])}
    order = {name: k for k, name in enumerate(wanted)}
    for rows in _resampled(wanted, resamples, seed):
        again = np.stack([fingerprint(values) for values in rows])
        near = again @ again[[order[base] for base in candidates]].T
        for variant, base in bases.items():
            hits[variant] += candidates[int(near[order[variant]].argmax())] == base
    out = []
    for variant, base in bases.items():
        nearest = candidates[int((prints[columns] @ prints[place[variant]]).argmax())]
        images = np.argmax(embeddings[variant] @ prints[columns].T, axis=1)
        others = prints @ prints[place[variant]]
        others[place[variant]] = -np.inf
        out.append(
            Attribution(
                variant,
                base,
                nearest,
                float(np.mean(images == candidates.index(base))),
                hits[variant] / max(1, resamples),
                names[int(others.argmax())],
            )
        )
    return out


def _distances(prints: Sequence[np.ndarray]) -> np.ndarray:
    stacked = np.stack(prints)
    out = np.maximum(0.0, 1 - stacked @ stacked.T)
    np.fill_diagonal(out, 0)
    return (out + out.T) / 2


def _resampled(
    embeddings: Mapping[str, np.ndarray], resamples: int, seed: int
) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield [rows[rng.integers(len(rows), size=len(rows))] for rows in embeddings.values()]
