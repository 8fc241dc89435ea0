"""What is known of a gallery whatever is looked up in it, computed once.

Equations: docs/method.md#identification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.gallery.eligible import Suited
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.fingerprints import Fingerprints
from fingerprint_sdk.gallery.strangers import Strangers
from fingerprint_sdk.process.forks import cached_property

_AT_ONCE = 16  # entries of which is asked at once what processing explains
_ALWAYS = 256  # entries that are always asked, the nearest
_NEAR = 64  # entries among which the two best are looked for first

OF_ENTRY = 0.25
"""Share of what processing usually explains of an entry that is taken off its scores: an entry
that is like many photographs is near everybody. Of a probe none is: it moves all scores alike
(benchmarks/quality/answers.py, benchmarks/quality/known.py)."""


def taken_off(explained: Explained) -> float:
    """What is taken off an entry's scores, at least 0; see ``Background.ranked``."""
    return explained.beyond + OF_ENTRY * (explained.amount - explained.beyond)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Entries by falling score.

    Attributes:
        scores: float64, (N,), less what is taken off for each entry that was asked.
        evidence: the scores less all that processing explains, as a calibration has them. Of
            entries that are far behind no less than that.
        highest: what the evidence would be if processing explained no more than usual of what
            probe and entry share, which is the less of both: copies in the gallery are processed
            anyway. Of entries that are far behind no less than that.
        order: places in the order of their scores, of each family its best entry only, since the
            others are no rivals of it.
    """

    scores: npt.NDArray[np.float64]
    evidence: npt.NDArray[np.float64]
    highest: npt.NDArray[np.float64]
    order: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Background:
    """A gallery as it is searched.

    Attributes:
        entries: by name.
        known: their fingerprints.
        measured: what strangers score, by what they are like and how many images they are: what
            ``measured.strangers`` found so far.
        before: of the gallery before it changed; of entries that are still there, ``told`` is
            taken from it.
        told: what processing explains of entries, as far as it was asked.
    """

    entries: Mapping[str, Entry]
    known: Fingerprints
    before: InitVar[Background | None] = None
    measured: dict[tuple[str | None, Suited | None, int], Strangers] = field(default_factory=dict)
    told: dict[tuple[Entry, str | None], Explained] = field(default_factory=dict)

    def __post_init__(self, before: Background | None) -> None:
        if before is not None:
            there = set(self.entries.values())
            kept = before.told.copy()  # others may be searching
            self.told.update({key: one for key, one in kept.items() if key[0] in there})

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
        usual: float = 0.0,
        excess: float = 0.0,
    ) -> Ranked:
        """Take off what processing explains of each entry, and sort.

        That is what is beyond any unprocessed entry's, and of what is usual a share ``OF_ENTRY``.
        It is at least 0, so an entry that would not be among the ``wanted`` best
        even without it need not be asked: its score stays as it was, and its place behind them.

        Args:
            scores: shape (N,), cosines less what is ``beyond`` of the probe.
            copies: what each entry is compared by, see ``Likeness``.
            calibration: of the gallery's model.
            wanted: how many places must be right.
            usual: what processing explains of the probe but for that; off the evidence only.
            excess: what it explains of the probe beyond what is usual.
        """
        order = np.argsort(-scores, kind="stable")
        # Of these it is known how high they may have scored, whatever is wanted.
        wanted = max(wanted, 2, min(len(order), _ALWAYS))
        left, told, best = self._asked(order, scores, copies, calibration, wanted)
        asked, rest = np.split(order, [len(told)])
        evidence = scores - usual
        evidence[asked] -= [one.amount for one in told]
        highest = evidence.copy()
        highest[asked] += [2 * min(excess, one.excess) for one in told]
        highest[order[_ALWAYS:]] = scores[order[_ALWAYS:]] - usual
        return Ranked(left, evidence, highest, self.best(np.concatenate([best, rest])))

    def two_best(
        self,
        scores: npt.NDArray[np.float64],
        copies: Sequence[str | None],
        calibration: Calibration,
    ) -> npt.NDArray[np.float64]:
        """The two best scores of ``ranked``, (2,), without sorting all the others."""
        count = _NEAR
        while True:
            near = np.argpartition(-scores, count)[:count] if count < len(scores) else slice(None)
            order = np.arange(len(scores))[near]
            order = order[np.argsort(-scores[order], kind="stable")]
            left, told, best = self._asked(order, scores, copies, calibration, 2)
            if len(told) < len(order) or len(order) == len(scores):
                return left[best[:2]]
            count *= 4

    def _asked(
        self,
        order: npt.NDArray[np.intp],
        scores: npt.NDArray[np.float64],
        copies: Sequence[str | None],
        calibration: Calibration,
        wanted: int,
    ) -> tuple[npt.NDArray[np.float64], list[Explained], npt.NDArray[np.intp]]:
        """The scores, less what is taken off those that were asked; what processing explains of
        these, the first of the order; their families' best, of which the ``wanted`` first are
        the best of all."""
        left, told = scores.copy(), list[Explained]()
        while len(told) < len(order):
            more = order[len(told) : len(told) + max(wanted, _AT_ONCE)]
            new = self.explained([(place, copies[place]) for place in more], calibration)
            left[more] -= [taken_off(one) for one in new]
            told += new
            found = order[: len(told)]
            best = self.best(found[np.argsort(-left[found], kind="stable")])
            last = left[best[wanted - 1]] if len(best) >= wanted else -np.inf
            if len(told) == len(order) or last >= scores[order[len(told)]]:
                break
        return left, told, best

    def best(self, order: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The first entry of each family, in their order."""
        _, first = np.unique(self.families[order], return_index=True)
        return order[np.sort(first)]

    def keep(self, told: Sequence[Explained]) -> None:
        """What processing explains of the images of each entry, where it is known already."""
        for entry, one in zip(self.entries.values(), told, strict=True):
            self.told[entry, None] = one

    def explained(
        self, wanted: Sequence[tuple[int, str | None]], calibration: Calibration
    ) -> list[Explained]:
        """What processing explains of entries, by their place: of the images, or of its copies.

        Args:
            wanted: places, each with the kind of copies, or None for the images as enrolled.
            calibration: of the gallery's model.
        """
        keys = {(int(place), copy): (self._listed[place], copy) for place, copy in wanted}
        if missing := [key for key in keys if keys[key] not in self.told]:
            kinds = {None: 0} | {kind: column for column, kind in enumerate(self.known.kinds, 1)}
            rows = [int(self.known.rows[place, kinds[copy]]) for place, copy in missing]
            told = calibration.cohort.explain(
                self.known.matrix[rows], self.known.counts[rows].tolist()
            )
            for key, one in zip(missing, told, strict=True):
                self.told[keys[key]] = one
        return [self.told[self._listed[place], copy] for place, copy in wanted]

    @cached_property
    def _listed(self) -> tuple[Entry, ...]:
        return tuple(self.entries.values())
