"""The check of a gallery: all its parts together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.check.confusion import confusion
from fingerprint_sdk.gallery.check.duplicates import duplicates
from fingerprint_sdk.gallery.check.enrolled import enrolled_side, explained_images
from fingerprint_sdk.gallery.check.findings import Mislabelled, OddFormat
from fingerprint_sdk.gallery.check.lookups import Lookup, lookups
from fingerprint_sdk.gallery.check.more import outlooks
from fingerprint_sdk.gallery.check.result import EntryCheck, GalleryCheck, Rates
from fingerprint_sdk.gallery.check.twins import lowest_threshold, nearest_pairs, twins
from fingerprint_sdk.images.processing import kind_named
from fingerprint_sdk.verification import verify_sides

_CLEAR = 100.0
"""So many times more probable must the findings be of the other entry than of an image's own:
"moderately strong" on ENFSI's scale (``evidence.verdict.support``)."""

_SAYS = 2.0
"""And so much must each of the two say by itself: below that, a likelihood ratio supports nothing
on that scale."""

_LONELY = 3
"""Entries from which a single one can be unlike all others."""


def examine(
    background: Background, calibration: Calibration, *, model: str, fpir: float, fnir: float
) -> GalleryCheck:
    """See ``Gallery.check``."""
    if not background.entries:
        raise GalleryError("the gallery is empty: enroll something first")
    names, answers = background.names, background.answers
    entries = list(background.entries.values())
    explained = list(explained_images(entries, calibration))
    counts = [len(entry.embeddings) for entry in entries]
    whole = calibration.cohort.explain(np.stack([e.fingerprint for e in entries]), counts)
    sides = [
        enrolled_side(entry, range(count), one)
        for entry, count, one in zip(entries, counts, whole, strict=True)
    ]
    background.keep(whole)
    done = list(lookups(background, explained, calibration, fpir=fpir, fnir=fnir))
    own: dict[int, list[Lookup]] = {}
    for one in done:
        own.setdefault(one.place, []).append(one)
    place_of = {name: place for place, name in enumerate(names)}
    confused = {
        (one.place, place_of[one.answer.candidates[0].entry])
        for one in done
        if one.answer.nearest != answers[one.place]
    }
    margins = {place: [one.margin for one in found] for place, found in own.items()}
    more = outlooks(sides, margins, calibration, fpir)
    floor = lowest_threshold(calibration, fpir, len(names))
    pairs, best = nearest_pairs(background, sides, floor)
    return GalleryCheck(
        model=model,
        fpir=fpir,
        fnir=fnir,
        rates=_rates(done, answers),
        entries=tuple(
            EntryCheck(
                name,
                len(entry.embeddings),
                int(entry.lossy.sum()),
                _rates(own.get(place, []), answers),
                more[place],
            )
            for place, (name, entry) in enumerate(zip(names, entries, strict=True))
        ),
        twins=tuple(twins(background, sides, pairs, confused, calibration, fpir)),
        mislabelled=tuple(_mislabelled(done, background, explained, calibration)),
        duplicated=duplicates(background.entries),
        formats=tuple(_formats(background)),
        confusion=confusion(background, sides, explained, best),
    )


def _rates(done: Sequence[Lookup], answers: Sequence[str]) -> Rates:
    def share(cases: Iterable[bool]) -> float | None:
        return sum(cases) / len(done) if done else None

    return Rates(
        len(done),
        share(one.answer.nearest == answers[one.place] for one in done),
        share(one.answer.best == answers[one.place] for one in done),
        share(one.answer.known and one.answer.best != answers[one.place] for one in done),
    )


def _mislabelled(
    done: Sequence[Lookup],
    background: Background,
    explained: Sequence[Sequence[Explained]],
    calibration: Calibration,
) -> Iterator[Mislabelled]:
    names, entries = background.names, list(background.entries.values())
    for one in done:
        found = one.answer
        if found.nearest == background.answers[one.place] or found.likelihood_ratio < _SAYS:
            continue
        entry, of_images = entries[one.place], explained[one.place]
        others = [i for i in range(len(entry.embeddings)) if i != one.image]
        image = enrolled_side(entry, [one.image], of_images[one.image])
        (of_others,) = calibration.cohort.explain(
            mean_embedding(entry.embeddings[others])[None], len(others)
        )
        own = verify_sides(image, enrolled_side(entry, others, of_others), calibration)
        against = 1 / own.likelihood_ratio
        if against >= _SAYS and found.likelihood_ratio * against >= _CLEAR:
            yield Mislabelled(
                names[one.place],
                one.image + 1,
                found.nearest,
                found.likelihood_ratio,
                own.likelihood_ratio,
            )


def _formats(background: Background) -> Iterator[OddFormat]:
    lossy = background.known.lossy
    copies = all(
        any(kind_named(kind).lossy for kind in entry.copies)
        for entry in background.entries.values()
    )
    for place, (name, entry) in enumerate(background.entries.items()):
        of_it, images = int(entry.lossy.sum()), len(entry.lossy)
        if 0 < of_it < images:
            yield OddFormat(name, "mixed", of_it, images, copies)
        elif len(lossy) >= _LONELY and (lossy == lossy[place]).sum() == 1:
            yield OddFormat(name, "lossy" if lossy[place] else "lossless", of_it, images, copies)
