"""Leave-one-out: each enrolled image is taken out of its entry and looked up in the gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.gallery.background import Background, taken_off
from fingerprint_sdk.gallery.check.enrolled import enrolled_side
from fingerprint_sdk.gallery.eligible import AS_ENROLLED, Likeness
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.search import answer
from fingerprint_sdk.identification import Identification

MOST_LOOKUPS = 20_000
"""Images that are looked up at most, spread over the entries: 3 ms each in one of 10,000."""

_BLOCK = 256  # images at once: 10 MB of cosines with 10,000 entries


@dataclass(frozen=True)
class Lookup:
    """One image that was looked up.

    Attributes:
        place: of its entry, from 0.
        image: place of the image in it, from 0.
        answer: of the gallery with that image taken out of its entry.
        margin: score of its own entry less what it takes to be named: the threshold, and the score
            of another entry if one was nearer.
    """

    place: int
    image: int
    answer: Identification
    margin: float


def lookups(
    background: Background,
    explained: Sequence[Sequence[Explained]],
    calibration: Calibration,
    *,
    fpir: float,
    fnir: float,
) -> Iterator[Lookup]:
    """Look up the images of all entries that have two or more; see ``MOST_LOOKUPS``.

    The own entry is compared by the mean of its other images, all entries by their images as
    enrolled: copies of an image are in the means of its entry and cannot be taken out of them.
    ``explained`` is what processing explains of each image of each entry.
    """
    entries = list(background.entries.values())
    first = background.known.rows[:, 0]
    fingerprints, counts = background.known.matrix[first], background.known.counts[first]
    copies = (None,) * len(entries)
    sums: dict[int, np.ndarray] = {}
    chosen = list(_chosen(entries))
    for start in range(0, len(chosen), _BLOCK):
        block = chosen[start : start + _BLOCK]
        probes = np.stack([entries[place].embeddings[image] for place, image in block])
        cosines = probes @ fingerprints.T
        for row, (place, image) in enumerate(block):
            entry = entries[place]
            if place not in sums:
                sums = {place: entry.embeddings.sum(axis=0, dtype=np.float64)}
            probe = probes[row].astype(np.float64)
            rest = sums[place] - probe
            scores = cosines[row].astype(np.float64)
            scores[place] = probe @ rest / max(float(np.linalg.norm(rest)), 1e-12)
            left = counts.copy()
            left[place] -= 1
            found = Likeness(np.clip(scores, -1, 1), copies, left, AS_ENROLLED)
            side = enrolled_side(entry, [image], explained[place][image])
            said = answer(background, side, found, calibration, fpir=fpir, fnir=fnir)
            own = found.scores[place] - side.beyond
            own -= taken_off(background.explained([(place, None)], calibration)[0])
            nearer = said.nearest != background.answers[place]
            least = max(said.threshold, said.score) if nearer else said.threshold
            yield Lookup(place, image, said, float(own) - least)


def _chosen(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """Places of entries and of images in them: all, or some of each entry, evenly."""
    several = [place for place, entry in enumerate(entries) if len(entry.embeddings) > 1]
    total = sum(len(entries[place].embeddings) for place in several)
    each = None if total <= MOST_LOOKUPS else max(1, MOST_LOOKUPS // len(several))
    if len(several) > MOST_LOOKUPS:
        several = [several[i] for i in _evenly(len(several), MOST_LOOKUPS)]
    for place in several:
        images = len(entries[place].embeddings)
        for image in _evenly(images, images if each is None else min(each, images)):
            yield place, image


def _evenly(number: int, wanted: int) -> list[int]:
    """``wanted`` places of ``number``."""
    return [i * number // wanted for i in range(wanted)]
