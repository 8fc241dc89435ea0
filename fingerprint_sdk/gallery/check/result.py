"""Outcome of checking a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from fingerprint_sdk.gallery.check.findings import (
    Duplicated,
    Mislabelled,
    OddFormat,
    Twins,
    percent,
)
from fingerprint_sdk.gallery.check.more import Outlook
from fingerprint_sdk.results import as_json

_HALF = 0.5  # of images named right, below which it is said how to name more

Finding: TypeAlias = Twins | Mislabelled | Duplicated | OddFormat


@dataclass(frozen=True)
class Rates:
    """What became of images that were taken out of their entry and looked up.

    Attributes:
        looked_up: how many.
        first: share whose own entry was the nearest, 0 to 1; None where none was looked up, as of
            an entry of one image: that is not measurable.
        named: share that was named as its own entry.
        misnamed: share that was named as another.
    """

    looked_up: int
    first: float | None
    named: float | None
    misnamed: float | None

    @property
    def percents(self) -> tuple[str, str, str]:
        """The shares as people read them, "-" for one that is not measurable."""
        first, named, misnamed = (
            "-" if share is None else percent(share)
            for share in (self.first, self.named, self.misnamed)
        )
        return first, named, misnamed


@dataclass(frozen=True)
class EntryCheck:
    """One entry.

    Attributes:
        name: of the entry.
        images: how many it has.
        lossy: how many of them carry lossy compression.
        rates: of its own images.
        outlook: how many more images would help; None where no image of any entry was looked up.
    """

    name: str
    images: int
    lossy: int
    rates: Rates
    outlook: Outlook | None

    @property
    def words(self) -> str:
        """The outlook as a sentence."""
        return "not measurable" if self.outlook is None else self.outlook.words

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        plain = asdict(self)
        if self.outlook is not None:
            plain["outlook"]["words"] = self.outlook.words
        return plain


@dataclass(frozen=True)
class Confusion:
    """How like the entries are to each other.

    Attributes:
        names: of the entries shown, at most 40: of more those most like another one.
        scores: a row for each: mean score of its images with each entry; with its own, of each
            image with the mean of the others, None where it has one image only.
    """

    names: tuple[str, ...]
    scores: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class GalleryCheck:
    """What to expect of a gallery, and what in it looks wrong; see ``Gallery.check``.

    Attributes:
        model: name and version of the gallery's model.
        fpir, fnir: the rates that images were looked up at.
        rates: of all images that were looked up.
        entries: each entry, in the order of enrolment.
        twins: pairs of entries that cannot be told apart.
        mislabelled: images that look as if they were in the wrong entry.
        duplicated: pictures that were enrolled more than once.
        formats: entries whose images are not in the format of the others.
        confusion: how like the entries are to each other.
    """

    model: str
    fpir: float
    fnir: float
    rates: Rates
    entries: tuple[EntryCheck, ...]
    twins: tuple[Twins, ...]
    mislabelled: tuple[Mislabelled, ...]
    duplicated: tuple[Duplicated, ...]
    formats: tuple[OddFormat, ...]
    confusion: Confusion

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence or more for everything that looks wrong; empty where nothing does."""
        found: tuple[Finding, ...] = (
            *self.twins,
            *self.mislabelled,
            *self.duplicated,
            *self.formats,
        )
        return tuple(one.words for one in found)

    @property
    def summary(self) -> tuple[str, ...]:
        """What to expect, in a few sentences."""
        return tuple(self._summary())

    def _summary(self) -> Iterator[str]:
        images = sum(entry.images for entry in self.entries)
        yield f"{_count(len(self.entries), 'entry', 'entries')} of {_count(images, 'image')}."
        rates = self.rates
        if rates.first is None or rates.named is None or rates.misnamed is None:
            yield "Nothing can be measured: every entry has one image only."
        else:
            all_of = "each image" if rates.looked_up == images else f"{rates.looked_up:,} of them"
            yield (
                f"Taken out of its entry and looked up, {all_of}: its own entry came first in "
                f"{percent(rates.first)} of cases. At an FPIR of {100 * self.fpir:g} %, "
                f"{percent(rates.named)} were named right and {percent(rates.misnamed)} wrong."
            )
            if rates.named < _HALF:
                yield "Several images by one generator, looked up together, are named more often."
        alone = sum(entry.images == 1 for entry in self.entries)
        if alone and rates.looked_up:
            of_one = _count(alone, "entry of one image", "entries of one image")
            yield f"Not measurable: {of_one}."
        if not self.findings:
            yield "Nothing looks wrong."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; see docs/json.md."""
        listed = ("twins", "mislabelled", "duplicated", "formats")
        plain = asdict(self)
        for key in listed:
            plain[key] = [asdict(one) | {"words": one.words} for one in getattr(self, key)]
        plain["entries"] = [entry.to_dict() for entry in self.entries]
        return {**plain, "summary": list(self.summary)}

    def to_json(self) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict())


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
