"""What a probe by a generator outside the gallery would score: told by the gallery's own entries.

Each entry's images, or its copies like the probe, are probes to all other families. Equations:
docs/method.md#identification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.gallery.alike import alike
from fingerprint_sdk.gallery.eligible import Suited, kinds_of, nearest_fingerprints
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.fingerprints import Fingerprints
from fingerprint_sdk.gallery.strangers import MARGIN, Strangers

_AT_ONCE = 4  # entries of which is asked at once what processing explains
_ALWAYS = 256  # entries that are always asked, the nearest
_SIBLINGS = 8  # entries that may be of one source with another, and are no strangers to it then
_ASKED, _PROBES = 64, 6  # entries that are probed with, and probes of each


@dataclass(frozen=True, eq=False)
class Ranked:
    """Entries by falling score.

    Attributes:
        scores: float64, (N,), less what processing explains of each entry that was asked.
        highest: what the scores would be if processing explained no more than usual of what probe
            and entry share, which is the less of both: copies in the gallery are processed anyway.
            Of entries that are far behind no less than that.
        order: places in the order of their scores, of each family its best entry only, since the
            others are no rivals of it.
    """

    scores: npt.NDArray[np.float64]
    highest: npt.NDArray[np.float64]
    order: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Background:
    """What strangers score in a gallery, by what they are like; computed once for each."""

    entries: Mapping[str, Entry]
    known: Fingerprints
    _explained: dict[tuple[int, str | None], Explained] = field(default_factory=dict)
    _found: dict[tuple[Suited, int], Strangers] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the entries, in their order."""
        return tuple(self.entries)

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """What each entry is named as: its family, or itself."""
        return tuple(
            entry.provenance.family if entry.provenance else name
            for name, entry in self.entries.items()
        )

    @cached_property
    def families(self) -> npt.NDArray[np.intp]:
        """The number of each entry's family, (N,): entries of one answer have one number."""
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(one, len(numbers)) for one in self.answers], np.intp)

    @property
    def answered(self) -> int:
        """How many families there are, an entry without one being one itself."""
        return len(set(self.answers))

    def ranked(
        self,
        scores: npt.NDArray[np.float64],
        copies: Sequence[str | None],
        calibration: Calibration,
        *,
        wanted: int = 2,
        excess: float = 0.0,
    ) -> Ranked:
        """Take off what processing explains of each entry, and sort.

        What is explained is at least 0, so an entry that would not be among the ``wanted`` best
        even without it need not be asked: its score stays as it was, and its place behind them.

        Args:
            scores: shape (N,), less what is explained of the probe.
            copies: what each entry is compared by, see ``Likeness``.
            calibration: of the gallery's model.
            wanted: how many places must be right.
            excess: what processing explains of the probe beyond what is usual.
        """
        order = np.argsort(-scores, kind="stable")
        left, highest = scores.copy(), scores.copy()
        # Of these it is known how high they may have scored, whatever is wanted.
        asked, wanted = 0, max(wanted, 2, min(len(order), _ALWAYS))
        while asked < len(order):
            more = order[asked : asked + max(wanted, _AT_ONCE)]
            told = self.explained([(place, copies[place]) for place in more], calibration)
            left[more] -= [one.amount for one in told]
            highest[more] = left[more] + [2 * min(excess, one.excess) for one in told]
            asked += len(more)
            found = order[:asked]
            best = self._best(found[np.argsort(-left[found], kind="stable")])
            last = left[best[wanted - 1]] if len(best) >= wanted else -np.inf
            if asked == len(order) or last >= scores[order[asked]]:
                break
        highest[order[_ALWAYS:]] = scores[order[_ALWAYS:]]
        return Ranked(left, highest, self._best(np.concatenate([best, order[asked:]])))

    def _best(self, order: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The first entry of each family, in their order."""
        _, first = np.unique(self.families[order], return_index=True)
        return order[np.sort(first)]

    def keep(self, told: Sequence[Explained]) -> None:
        """What processing explains of the images of each entry, where it is known already."""
        self._explained.update({(place, None): one for place, one in enumerate(told)})

    def explained(
        self, wanted: Sequence[tuple[int, str | None]], calibration: Calibration
    ) -> list[Explained]:
        """What processing explains of entries, by their place: of the images, or of its copies.

        Args:
            wanted: places, each with the kind of copies, or None for the images as enrolled.
            calibration: of the gallery's model.
        """
        keys = [(int(place), copy) for place, copy in wanted]
        if missing := [key for key in dict.fromkeys(keys) if key not in self._explained]:
            kinds = {None: 0} | {kind: column for column, kind in enumerate(self.known.kinds, 1)}
            rows = [int(self.known.rows[place, kinds[copy]]) for place, copy in missing]
            told = calibration.cohort.explain(
                self.known.matrix[rows], self.known.counts[rows].tolist()
            )
            self._explained.update(zip(missing, told, strict=True))
        return [self._explained[key] for key in keys]

    def strangers(self, like: Suited, images: int, calibration: Calibration) -> Strangers:
        """Of probes of so many images that are like that."""
        key = (like, images)
        if key not in self._found:
            self._found[key] = self._measure(like, images, calibration)
        return self._found[key]

    def _measure(self, like: Suited, images: int, calibration: Calibration) -> Strangers:
        rng = np.random.default_rng(0)
        everything = list(self.entries.values())
        asked = np.sort(rng.permutation(len(everything))[:_ASKED])
        means: dict[int, list[float]] = {}  # by family
        within, counts = [], []
        for place in asked:
            probes, explained, count = _probes(everything[place], like, images, calibration, rng)
            counts.append(count)
            margins = []
            siblings = np.flatnonzero(self.families == self.families[place])
            not_strangers = [*siblings, *self._alike(place)]
            together = self.known.matrix @ np.stack(probes, axis=1)
            for cosines, amount in zip(together.T, explained, strict=True):
                rows = nearest_fingerprints(self.known, cosines, like)
                scores = cosines[rows].astype(np.float64) - amount
                scores[not_strangers] = -np.inf
                ranked = self.ranked(scores, kinds_of(self.known, rows), calibration)
                best, second = ranked.scores[ranked.order[:2]]
                margins.append(best - MARGIN * second)
            means.setdefault(self.families[place], []).append(float(np.mean(margins)))
            if len(margins) > 1:
                within.append(np.var(margins, ddof=1))
        of_families = [np.mean(found) for found in means.values()]
        inner = float(np.mean(within)) if within else 0.0
        # The means' own variance holds what is left of that within an entry.
        between = max(float(np.var(of_families, ddof=1)) - inner / _PROBES, 0.0)
        images_each = int(np.median(counts))
        return Strangers(float(np.mean(of_families)), between + inner, self.answered, images_each)

    def _alike(self, place: int) -> list[int]:
        """Entries of other families that cannot be told from one: no strangers to it.

        They would hide all others. Two families that are not are left.
        """
        everything = list(self.entries.values())
        first = self.known.rows[:, 0]
        cosines = (self.known.matrix @ everything[place].fingerprint)[first]
        others = np.argsort(-cosines)
        others = others[self.families[others] != self.families[place]]
        nearest = others[: min(_SIBLINGS, len(self._best(others)) - 2)]
        return [int(other) for other in nearest if alike(everything[place], everything[other])]


def _probes(
    entry: Entry,
    like: Suited,
    images: int,
    calibration: Calibration,
    rng: np.random.Generator,
) -> tuple[Sequence[npt.NDArray[np.floating]], Sequence[float], int]:
    """Fingerprints of probes by an entry, what processing explains of each, and their images.

    Of its images where these are like that, else of its copies, each of all its images.
    """
    copies = [copy for kind, copy in entry.copies.items() if kind in like.kinds]
    if copies and not like.as_enrolled:
        count = copies[0].count
        probes = [mean_embedding(copy.mean[None]) for copy in copies]
    else:
        count = min(images, len(entry.embeddings))
        chosen = [rng.permutation(len(entry.embeddings))[:count] for _ in range(_PROBES)]
        probes = [mean_embedding(entry.embeddings[places]) for places in chosen]
    told = calibration.cohort.explain(np.stack(probes), count)
    return probes, [one.amount for one in told], count
