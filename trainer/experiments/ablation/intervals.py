"""An interval for the FNMR, which the protocol's pairs have none of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def fnmr_interval(
    embeddings: Mapping[str, np.ndarray],
    *,
    fmr: float = 0.01,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of the FNMR at `fmr`, by a bootstrap over generators, of every pair of images.

    `embeddings` maps each generator to unit rows (n, D). A generator drawn k times gives its
    genuine pairs the weight k, and pairs with another one, drawn m times, the weight k·m.
    """
    label = np.repeat(np.arange(len(embeddings)), [len(rows) for rows in embeddings.values()])
    stacked = np.concatenate(list(embeddings.values()))
    first, second = np.triu_indices(len(stacked), 1)
    scores = (stacked @ stacked.T)[first, second]
    a, b = label[first], label[second]
    genuine, genuine_of = scores[a == b], a[a == b]
    impostors = np.flatnonzero(a != b)
    impostors = impostors[np.argsort(scores[impostors])[::-1]]
    impostor, a, b = scores[impostors], a[impostors], b[impostors]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        drawn = rng.integers(len(embeddings), size=len(embeddings))
        weight = np.bincount(drawn, minlength=len(embeddings))
        weights = weight[a] * weight[b]
        if weights.any():  # else one generator was drawn throughout: no impostors
            found.append(weighted_fnmr(genuine, weight[genuine_of], impostor, weights, fmr))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def weighted_fnmr(
    genuine: np.ndarray,
    genuine_weight: np.ndarray,
    impostor: np.ndarray,
    impostor_weight: np.ndarray,
    fmr: float,
) -> float:
    """`trainer.evaluation.metrics.fnmr_at_fmr` of weighted pairs; `impostor` highest first."""
    share = np.cumsum(impostor_weight)
    index = int(np.searchsorted(share, int(fmr * share[-1] + 1e-9), side="right"))
    if index >= len(impostor):
        return 0.0
    return float(genuine_weight @ (genuine <= impostor[index]) / genuine_weight.sum())
