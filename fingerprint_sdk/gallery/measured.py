"""What strangers score in a gallery, measured: each family's images are strangers to the others.

Equations: docs/method.md#identification.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.gallery.alike import alike
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.eligible import Suited, kinds_of, nearest_fingerprints
from fingerprint_sdk.gallery.fingerprints import Fingerprints
from fingerprint_sdk.gallery.strangers import ENOUGH, MARGIN, Strangers

_ASKED = 64  # entries that are probed with
_PROBES, _IN_ALL = 12, 384  # probes of each at most, and of all
_SIBLINGS = 8  # entries that may be of one source with another, and are no strangers to it then

Floats = npt.NDArray[np.float64]


def strangers(
    background: Background, copy: str | None, like: Suited, images: int, calibration: Calibration
) -> Strangers:
    """What probes of so many images by strangers score.

    Args:
        background: of a gallery of two families or more.
        copy: the kind of copies that the probe was compared with. Then those of each entry are
            compared with each other; of the images as enrolled it is only known how far the
            probes of one entry lie apart.
        like: what the probe is like, for ``copy`` None.
        images: of a probe.
        calibration: of the gallery's model.
    """
    key = (copy, None if copy else like, images)
    if key not in background.measured:
        background.measured[key] = _measure(background, copy, like, images, calibration)
    return background.measured[key]


def _measure(
    background: Background, copy: str | None, like: Suited, images: int, calibration: Calibration
) -> Strangers:
    if copy is not None:
        like = Suited(frozenset(background.known.kinds), as_enrolled=True)
    asked = _asked(background)
    each = min(_PROBES, _IN_ALL // len(asked))
    enrolled = [_enrolled(background, x, like, images, each, calibration) for x in asked]
    inner = [np.var(_margins(best), ddof=1) for _, best, several in enrolled if several]
    within = float(np.mean(inner)) if inner else 0.0
    column = 0
    found = [(family, best.mean(axis=0)) for family, best, _ in enrolled]
    # The means' own variance holds what is left of that within an entry.
    noise = within / each
    if copy is not None:
        its = 1 + background.known.kinds.index(copy)
        copied = _copied(background, its, images, calibration)
        if len({family for family, _ in copied}) >= ENOUGH:
            column, found, noise = its, copied, 0.0
    families: dict[int, list[Floats]] = {}
    for family, best in found:
        families.setdefault(family, []).append(best)
    means = np.array([np.mean(of_one, axis=0) for of_one in families.values()])
    margins = _margins(means)
    return Strangers(
        measured=float(margins.mean()),
        between=max(float(np.var(margins, ddof=1)) - noise, 0.0),
        within=within,
        best=float(means[:, 0].mean()),
        own=_own(background.known, column, images),
        families=len(families),
        copies=copy is not None,
    )


def _margins(best: Floats) -> Floats:
    """Of best and second scores, (n, 2)."""
    return np.asarray(best[:, 0] - MARGIN * best[:, 1])


def _asked(background: Background) -> npt.NDArray[np.intp]:
    """Places at random. An entry more takes the place of one at most, and moves no other."""
    count = len(background.names)
    return np.sort(np.argsort(np.random.default_rng(0).random(count))[:_ASKED])


def _enrolled(
    background: Background,
    place: int,
    like: Suited,
    images: int,
    probed: int,
    calibration: Calibration,
) -> tuple[int, Floats, bool]:
    """The family of an entry, the two best scores of probes of its images, (``probed``, 2), and
    whether the probes differ."""
    entry = background.entries[background.names[place]]
    rng = np.random.default_rng((0, place))
    count = min(images, len(entry.embeddings))
    chosen = [rng.permutation(len(entry.embeddings))[:count] for _ in range(probed)]
    probes = np.stack([mean_embedding(entry.embeddings[places]) for places in chosen])
    itself = _no_strangers(background, place)
    best = []
    for cosines in (background.known.matrix @ probes.T).T:
        rows = nearest_fingerprints(background.known, cosines, like, itself)
        # What is beyond of a probe would only take strangers further from the threshold.
        scores = cosines[rows].astype(np.float64)
        best.append(_best(background, itself, scores, rows, calibration))
    return int(background.families[place]), np.array(best), count < len(entry.embeddings)


def _copied(
    background: Background, column: int, images: int, calibration: Calibration
) -> list[tuple[int, Floats]]:
    """The family of each entry that has copies of a kind, and the two best scores of these.

    The mean of its copies' embeddings, as long as it is, has the mean cosine of single copies with
    another fingerprint; and that of means of several, by how long these are.
    """
    known = background.known
    alikeness = _alikeness(known, column)
    found = []
    for place in _asked(background):
        row = known.rows[place, column]
        if row < 0:
            continue
        likely = alikeness[place] if known.counts[row] > 1 else float(np.nanmean(alikeness))
        share = known.lengths[row] / _length(images, likely) if math.isfinite(likely) else 1.0
        rows = known.rows[:, column]
        scores = share * (known.matrix @ known.matrix[row])[rows].astype(np.float64)
        scores[rows < 0] = -np.inf
        itself = _no_strangers(background, place)
        best = _best(background, itself, scores, rows, calibration)
        if np.isfinite(best).all():  # else too few strangers have copies of that kind
            found.append((int(background.families[place]), best))
    return found


def _best(
    background: Background,
    itself: Sequence[int],
    scores: Floats,
    rows: npt.NDArray[np.intp],
    calibration: Calibration,
) -> Floats:
    """The two best scores, (2,), of a probe, of all entries but ``itself``."""
    scores[list(itself)] = -np.inf
    return background.two_best(scores, kinds_of(background.known, rows), calibration)


def _no_strangers(background: Background, place: int) -> list[int]:
    """Places of the entries of one's family, and of those that may be."""
    own = np.flatnonzero(background.families == background.families[place])
    return [*own.tolist(), *_siblings(background, place)]


def _siblings(background: Background, place: int) -> list[int]:
    """Entries of other families that cannot be told apart from one: no strangers to it.

    One source under two names would hide all others. Where it is known of both what family they
    are, it is known that they are two. Two families that are not alike are left.
    """
    everything = list(background.entries.values())
    known = everything[place].provenance is not None
    first = background.known.rows[:, 0]
    cosines = (background.known.matrix @ everything[place].fingerprint)[first]
    others = np.argsort(-cosines)
    others = others[background.families[others] != background.families[place]]
    nearest = others[: min(_SIBLINGS, len(background.best(others)) - 2)]
    return [
        int(other)
        for other in nearest
        if not (known and everything[other].provenance is not None)
        and alike(everything[place], everything[other])
    ]


def _own(known: Fingerprints, column: int, images: int) -> float:
    """Cosine of a probe of so many images with its own entry, by how alike an entry's are."""
    alikeness = _alikeness(known, column)
    there = np.isfinite(alikeness)
    if not there.any():  # of single images it is only known that there is nothing above 1
        return 1.0
    c, n = alikeness[there], known.counts[known.rows[there, column]]
    return float(np.mean(c / (_lengths(images, c) * _lengths(n, c))))


def _alikeness(known: Fingerprints, column: int) -> Floats:
    """Mean cosine of every two images, or copies, of each entry, (N,); NaN of a single one."""
    rows = known.rows[:, column]
    n, squared = known.counts[rows], known.lengths[rows] ** 2
    found = np.clip((n * squared - 1) / np.maximum(n - 1, 1), 1e-3, 1)
    return np.where((rows >= 0) & (n > 1), found, np.nan)


def _lengths(images: int | npt.NDArray[np.intp], alikeness: Floats) -> Floats:
    """Of means of so many images, of which every two have that cosine."""
    return np.asarray(np.sqrt((1 + (images - 1) * alikeness) / images))


def _length(images: int, alikeness: float) -> float:
    return float(_lengths(images, np.array(alikeness)))
