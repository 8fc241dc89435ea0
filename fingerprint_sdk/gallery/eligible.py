"""Like with like: which fingerprints of the entries a probe is compared with.

What a probe's file and pixels show (``Quality``) says which kinds of copies it can be like. Which
of them it is, is one question for all entries: they are compared by the kind that is nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.gallery.fingerprints import Fingerprints
from fingerprint_sdk.images.processing import Avif, Chain, Jpeg, Kind, WebP, kind_named
from fingerprint_sdk.images.quality import Quality

OTHERS_SHARE = 0.3
"""Processing makes images alike whoever made them, at some scales more than at others. So kinds
compete by the cosine of an entry less this share of the mean cosine of all entries
(benchmarks/quality/copies.py)."""

TWICE = 0.01
"""A kind of two steps must be nearer by this than one of a single step, or else images that were
processed once are found less often (benchmarks/quality/copies.py)."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How near N entries are to a probe, each by its fingerprint that is like the probe.

    Attributes:
        scores: float64, shape (N,), cosines, -1 to 1.
        copies: of each entry the name of the kind that was compared, None for the images as
            enrolled. Of probes that show different things, that of most of them.
        counts: int, shape (N,), how many images that fingerprint is the mean of.
        like: what was like the probes, or most of them.
    """

    scores: npt.NDArray[np.float64]
    copies: tuple[str | None, ...]
    counts: npt.NDArray[np.intp]
    like: Suited


@dataclass(frozen=True)
class Suited:
    """What is like a probe.

    Attributes:
        kinds: names of kinds of copies.
        as_enrolled: whether the images as enrolled are. Not so for a probe of a known codec,
            however the images were enrolled: what a codec makes of all images would bring it
            near whoever was enrolled with that codec, and its copies do as well.
    """

    kinds: frozenset[str]
    as_enrolled: bool


AS_ENROLLED = Suited(frozenset(), as_enrolled=True)
"""Of what is compared with the images as enrolled, and with no copies."""


def suited(probe: Quality | None, kinds: Sequence[str]) -> Suited:
    """Which of these kinds of copies are like a probe; None for one that nothing is known of.

    A file of a lossy codec says it itself. All others may be anything, lossless ones too: to save
    a WebP image as PNG leaves no trace that is looked for.
    """
    known = {name: kind_named(name) for name in kinds}
    if probe is not None and probe.lossy:
        if probe.format == "WEBP":
            return Suited(_of(known, WebP), as_enrolled=False)
        if probe.format == "AVIF":
            return Suited(_of(known, Avif), as_enrolled=False)
        if probe.jpeg_quality is not None:
            return Suited(_near(known, probe), as_enrolled=False)
    return Suited(frozenset(kinds), as_enrolled=True)


def likeness(
    known: Fingerprints, embeddings: npt.NDArray[np.floating], quality: Sequence[Quality]
) -> Likeness:
    """Compare probes with each entry, like with like.

    Probes that show different things are taken apart, and each entry is compared by the mixture
    of its fingerprints that matches theirs.

    Args:
        known: of the gallery, N >= 1 entries.
        embeddings: shape (n, D), n >= 1, of one source.
        quality: of each probe; empty where it is not known.
    """
    groups: dict[Suited, list[int]] = {}
    for place in range(len(embeddings)):
        one = quality[place] if quality else None
        groups.setdefault(suited(one, known.kinds), []).append(place)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    rows = []
    for like, places in ordered:
        cosines = known.matrix @ mean_embedding(embeddings[places])
        rows.append(nearest_fingerprints(known, cosines, like))
    if len(ordered) == 1:
        scores = cosines[rows[0]].astype(np.float64)
    else:
        mixture = sum(
            len(places) * known.matrix[found].astype(np.float64)
            for (_, places), found in zip(ordered, rows, strict=True)
        )
        lengths = np.linalg.norm(mixture, axis=1)
        scores = mixture @ mean_embedding(embeddings) / np.where(lengths > 0, lengths, 1)
    return Likeness(
        np.clip(scores, -1, 1),
        kinds_of(known, rows[0]),
        known.counts[rows[0]],
        ordered[0][0],
    )


def kinds_of(known: Fingerprints, rows: npt.NDArray[np.intp]) -> tuple[str | None, ...]:
    """The kind of copies of each entry's row, (N,); None for its images as enrolled."""
    names = np.array([None, *known.kinds], object)
    return tuple(names[(known.rows == rows[:, None]).argmax(axis=1)])


def nearest_fingerprints(
    known: Fingerprints,
    cosines: npt.NDArray[np.floating],
    like: Suited,
    without: Sequence[int] = (),
) -> npt.NDArray[np.intp]:
    """The row of each entry's fingerprint of the nearest eligible kind.

    Entries ``without`` have no say in which kind that is.
    """
    columns = [column for column, name in enumerate(known.kinds, 1) if name in like.kinds]
    if like.as_enrolled or not columns:
        columns.insert(0, 0)
    rows = known.rows[:, columns]
    there = rows >= 0
    table = np.where(there, cosines[rows], 0)
    # Among lossless images, lossy ones as they were enrolled would bring in a kind of their own.
    asked = there & ((np.array(columns) > 0) | ~known.lossy[:, None] | known.lossy.all())
    asked[list(without)] = False
    others = table.sum(axis=0, where=asked) / np.maximum(asked.sum(axis=0), 1)
    contest = np.where(asked, table - OTHERS_SHARE * others, -np.inf).max(axis=0)
    contest -= [
        TWICE if column and isinstance(kind_named(known.kinds[column - 1]), Chain) else 0
        for column in columns
    ]
    nearest = rows[:, int(contest.argmax())]
    # An entry without copies of that kind is compared by the best of what it has.
    own = rows[np.arange(len(rows)), np.where(there, table, -np.inf).argmax(axis=1)]
    instead = np.where(there.any(axis=1), own, known.rows[:, 0])
    return np.where(nearest < 0, instead, nearest)


def _of(kinds: dict[str, Kind], family: type[Kind]) -> frozenset[str]:
    return frozenset(name for name, kind in kinds.items() if isinstance(kind, family))


def _near(kinds: dict[str, Kind], probe: Quality) -> frozenset[str]:
    """JPEG of the qualities next to the probe's on either side, and of its subsampling.

    And JPEG of that subsampling after another step, of any quality. Colours at half the width
    alone, "4:2:2", are as far from "4:2:0" as from "4:4:4".
    """
    quality = probe.jpeg_quality or 0
    last = {n: kind.second if isinstance(kind, Chain) else kind for n, kind in kinds.items()}
    jpegs = {name: kind for name, kind in last.items() if isinstance(kind, Jpeg)}
    same = {name: kind for name, kind in jpegs.items() if kind.subsampling == probe.subsampling}
    known = same or jpegs
    once = {name: kind.quality for name, kind in known.items() if kinds[name] == kind}
    finer = min((q for q in once.values() if q >= quality), default=None)
    coarser = max((q for q in once.values() if q <= quality), default=None)
    return frozenset(name for name in known if name not in once or once[name] in (finer, coarser))
