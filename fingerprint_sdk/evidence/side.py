"""One side of a comparison: an image, or a set of images by one generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embedding import Embedding, cosine, mean_embedding
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import most, treatment


@dataclass(frozen=True, eq=False)
class Side:
    """What is compared of a set of images.

    Attributes:
        embedding: float32, shape (D,), the L2-normalised mean of the images'.
        explained: what processing explains of it, at least 0.
        excess: what of that is more than usual.
        beyond: what of that is more than hardly any unprocessed side's.
        treatment: the most that happened to any of the images, one of ``TREATMENTS``.
        windows: of the image that has the fewest; None if unknown.
        images: how many different pictures have a vote.
        voting: their places in what was given, rising.
        reasons: why nothing can be said of this side; empty if something can.
    """

    embedding: Embedding
    explained: float
    excess: float
    beyond: float
    treatment: str
    windows: int | None
    images: int
    voting: tuple[int, ...]
    reasons: tuple[str, ...] = ()


def side_of(
    embeddings: npt.NDArray[np.floating],
    quality: Sequence[Quality],
    calibration: Calibration,
) -> Side:
    """The side that images make.

    A picture given twice counts once. An image without a fingerprint, or one that is like nothing
    the model was calibrated for, has no vote where another image has.

    Args:
        embeddings: image embeddings, shape (n, D), L2-normalised, n >= 1.
        quality: of each image; empty if unknown.
        calibration: of the model that made the embeddings.
    """
    return sides_of([(embeddings, quality)], calibration)[0]


def without_common(a: Sequence[Quality], b: Sequence[Quality]) -> tuple[list[int], list[int]]:
    """Places of the images of two sides, without pictures that stand on both.

    Such a picture makes the sides alike, whoever made the others. Where a side has no other of
    which something can be said, all are left.

    Args:
        a, b: quality of each side's images.
    """
    common = {one.digest for one in a} & {one.digest for one in b} - {""}
    own = [
        [place for place, one in enumerate(side) if one.digest not in common] for side in (a, b)
    ]
    told = [
        any(side[place].unfit is None for place in places)
        for side, places in zip((a, b), own, strict=True)
    ]
    if all(told):
        return own[0], own[1]
    return list(range(len(a))), list(range(len(b)))


def sides_of(
    groups: Sequence[tuple[npt.NDArray[np.floating], Sequence[Quality]]], calibration: Calibration
) -> list[Side]:
    """``side_of`` of many groups of images, faster than one by one."""
    voters = [_voters(embeddings, quality) for embeddings, quality in groups]
    if not voters:
        return []
    means = np.stack(
        [
            mean_embedding(np.asarray(embeddings, np.float32)[list(voting)])
            for (embeddings, _), (voting, _) in zip(groups, voters, strict=True)
        ]
    )
    told = calibration.cohort.explain(means, [len(voting) for voting, _ in voters])
    return [
        _side(mean, [quality[place] for place in voting] if quality else [], voting, reasons, one)
        for mean, (_, quality), (voting, reasons), one in zip(
            means, groups, voters, told, strict=True
        )
    ]


def _voters(
    embeddings: npt.NDArray[np.floating], quality: Sequence[Quality]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The places of the images that have a vote, and why nothing can be said of them."""
    kept = _different(embeddings, quality)
    reasons = [quality[place].unfit for place in kept] if quality else [None] * len(kept)
    fit = [place for place, reason in zip(kept, reasons, strict=True) if reason is None]
    told = () if fit else tuple(sorted({reason for reason in reasons if reason}))
    return tuple(fit or kept), told


def _side(
    embedding: Embedding,
    known: Sequence[Quality],
    voting: tuple[int, ...],
    reasons: tuple[str, ...],
    told: Explained,
) -> Side:
    return Side(
        embedding=embedding,
        explained=told.amount,
        excess=told.excess,
        beyond=told.beyond,
        treatment=most([treatment(one, told.treatment) for one in known or (None,)]),
        windows=min(one.windows for one in known) if known else None,
        images=len(voting),
        voting=voting,
        reasons=reasons,
    )


def compare(a: Side, b: Side, calibration: Calibration) -> tuple[float, Condition]:
    """The score of two sides, and the condition it is judged by.

    The score is the cosine of the embeddings less what processing explains of each side. What that
    is more than usual makes it less sure that the sides are of one source, and not that they are
    of two: the condition allows for it.
    """
    counted = [side.windows for side in (a, b) if side.windows is not None]
    condition = calibration.condition(
        a.images,
        b.images,
        treatment=most([a.treatment, b.treatment]),
        windows=min(counted) if counted else None,
    )
    score = cosine(a.embedding, b.embedding) - a.explained - b.explained
    excess = excess_of_pair(a.excess, b.excess, min(a.images, b.images))
    return score, replace(condition, excess=excess)


def excess_of_pair(a: float, b: float, images: int) -> float:
    """How much lower a score may be for what is unusual of its sides.

    It is as if either side had the larger excess: where one was processed and the other was not,
    the latter lacks what the former lost. What chance does to a score shrinks with the number of
    images, by its root; what processing does to it does not, and counts the more.

    Args:
        a, b: excess of the two sides.
        images: of the side that has fewer.
    """
    return 2 * max(a, b) * math.sqrt(images)


def _different(embeddings: npt.NDArray[np.floating], quality: Sequence[Quality]) -> list[int]:
    """The places of pictures that did not come before."""
    marks: Sequence[object] = [one.digest for one in quality]
    if not all(marks) or len(marks) != len(embeddings):
        marks = [np.asarray(row, np.float32).tobytes() for row in embeddings]
    return sorted({mark: place for place, mark in reversed(list(enumerate(marks)))}.values())
