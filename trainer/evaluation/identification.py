"""1:N identification: whose gallery fingerprint is nearest to a probe's (paper, IV-A)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trainer.evaluation.metrics import (
    Estimate,
    accuracy,
    class_recall,
    macro_f1,
    mean_interval,
)

GALLERY_IMAGES = 10
"""Images enrolled per generator (paper, IV-A)."""


@dataclass(frozen=True)
class LevelScores:
    """Identification scores at one level: mean over galleries, percentile interval over them.

    Attributes:
        accuracy: at model level, the share of probes identified correctly. At decoder level, the
            share of probes whose predicted model has the right decoder, averaged over decoders.
        macro_f1: F1 averaged over the level's classes.
        classes: number of models, or of decoders.
    """

    accuracy: Estimate
    macro_f1: Estimate
    classes: int


@dataclass(frozen=True)
class IdentificationScores:
    """Outcome of the identification protocol.

    Attributes:
        model, decoder: the two levels.
        recall: for each model, the share of its probes identified as that model.
        galleries: number of random galleries, with the seeds ``seed`` to
            ``seed + galleries - 1``.
        probes: number of probe images in each of them.
    """

    model: LevelScores
    decoder: LevelScores
    recall: dict[str, float]
    galleries: int
    probes: int


def score_identification(
    embeddings: Mapping[str, np.ndarray],
    decoders: Mapping[str, str],
    *,
    probes: Mapping[str, np.ndarray] | None = None,
    galleries: int = 20,
    seed: int = 0,
) -> IdentificationScores:
    """Identify every image outside a random gallery, for many galleries.

    The fingerprint of a generator is the L2-normalised mean of 10 random embeddings of its own.

    Args:
        embeddings: for each model, its images' L2-normalised embeddings, shape (n, D), n >= 11.
        decoders: for each model, its decoder.
        probes: the same images after processing, row for row, to be identified in place of the
            originals; the gallery keeps these. None to identify the originals.
        galleries: number of random galleries.
        seed: of the first gallery.
    """
    models = list(embeddings)
    names, decoder_of = np.unique([decoders[model] for model in models], return_inverse=True)
    rows = [(values, (probes or embeddings)[model]) for model, values in embeddings.items()]
    model_scores, decoder_scores, recalls = [], [], []
    for gallery_seed in range(seed, seed + galleries):
        truth, predicted = _identify(rows, gallery_seed)
        model_scores.append((accuracy(truth, predicted), macro_f1(truth, predicted)))
        recalls.append(class_recall(truth, predicted, len(models)))
        truth, predicted = decoder_of[truth], decoder_of[predicted]
        recall = class_recall(truth, predicted, len(names))
        decoder_scores.append((float(recall.mean()), macro_f1(truth, predicted)))
    recall = np.mean(recalls, axis=0)
    return IdentificationScores(
        _level(model_scores, len(models)),
        _level(decoder_scores, len(names)),
        {model: float(share) for model, share in zip(models, recall, strict=True)},
        galleries,
        len(truth),
    )


def _identify(
    embeddings: list[tuple[np.ndarray, np.ndarray]], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted model of every probe, as indices into ``embeddings``.

    These are, for each model, the rows that may be enrolled and the same ones as probes.
    """
    rng = np.random.default_rng(seed)
    fingerprints, probes = [], []
    for enrolled, probed in embeddings:
        order = rng.permutation(len(enrolled))
        mean = enrolled[order[:GALLERY_IMAGES]].mean(axis=0)
        fingerprints.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
        probes.append(probed[order[GALLERY_IMAGES:]])
    truth = np.repeat(np.arange(len(probes)), [len(rows) for rows in probes])
    return truth, np.argmax(np.concatenate(probes) @ np.stack(fingerprints).T, axis=1)


def _level(scores: list[tuple[float, float]], classes: int) -> LevelScores:
    accuracies, f1s = np.transpose(scores)
    return LevelScores(mean_interval(accuracies), mean_interval(f1s), classes)
