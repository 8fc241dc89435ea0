"""How well the built-in gallery names images by others: one source left out at a time.

A source that is enrolled is taken out of the gallery before its images are looked up, so that the
family is recognised by other people's images of it. Then the whole family is taken out, and they
are strangers.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.processing import Scale
from trainer.evaluation import read_image_set
from trainer.evaluation.metrics import Estimate
from trainer.known.manifest import Family

AS = ("as is", "scale 0.8", "scale 0.7", "scale 0.5", "jpeg 90", "jpeg 85", "jpeg 70", "webp 90",
      "webp 80")  # fmt: skip
"""What happens to the probes: nothing, or they are resized, or written as such a file."""

_RESAMPLES = 1000


@dataclass(frozen=True)
class SourceScores:
    """The probes of one source. Shares, 0 to 1, of all its images.

    Attributes:
        family: of the source, as the gallery calls it, or as its folder is called.
        source: whose images.
        images: how many.
        first: whose own family ranks first; None where no other source of it is enrolled.
        named, misnamed, none: named as their own family, as another one, said to be none of the
            enrolled; None likewise.
        stranger: that are named with the family taken out of the gallery.
        taken_for: families that they are named as then.
    """

    family: str
    source: str
    images: int
    first: float | None
    named: float | None
    misnamed: float | None
    none: float | None
    stranger: float
    taken_for: tuple[str, ...]


@dataclass(frozen=True)
class KnownScores:
    """All sources, processed in one way. Means over sources, with 95 % of resampled sources.

    Attributes:
        processed: one of ``AS``.
        fpir: at which images are named.
        first, named, misnamed, none: see ``SourceScores``; None where no source has a family.
        strangers: mean over families, each of its sources.
        sources: each by itself.
    """

    processed: str
    fpir: float
    first: Estimate | None
    named: Estimate | None
    misnamed: Estimate | None
    none: Estimate | None
    strangers: Estimate
    sources: tuple[SourceScores, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def evaluate_known(
    gallery: fp.Gallery,
    folder: Path,
    families: Mapping[str, Family],
    *,
    processed: str = AS[0],
    fpir: float | None = None,
) -> KnownScores:
    """Look up the images of `folder`, FAMILY/SOURCE/IMAGE, in a gallery without their source.

    Args:
        gallery: entries with a provenance, see `fingerprint_sdk.known`.
        folder: its families are keys of `families`, or others, which are strangers.
        families: by key.
        processed: one of ``AS``, or another quality or factor.
        fpir: None for the model's default.
    """
    extractor = gallery.extractor
    fpir, _ = extractor.calibration.check(fpir, None)
    treat = processing(processed)
    scores = []
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        known = families.get(group.name)
        name = group.name if known is None else known.family
        for source, paths in read_image_set(group, {}).images.items():
            embedded = extractor.embed_with_quality(treat(path) for path in paths)
            without = _without(gallery, name, source)
            strangers = answers(_without(gallery, name), *embedded, fpir)
            mates = answers(without, *embedded, fpir) if name in _families(without) else None
            scores.append(_scores(name, source, mates, strangers))
    if not scores:
        raise ValueError(f"{folder} holds no FAMILY/SOURCE/IMAGE")
    known_ones = [one for one in scores if one.first is not None]
    means = {
        what: _mean([(getattr(one, what),) for one in known_ones]) if known_ones else None
        for what in ("first", "named", "misnamed", "none")
    }
    strangers_named = [
        tuple(one.stranger for one in scores if one.family == family)
        for family in dict.fromkeys(one.family for one in scores)
    ]
    return KnownScores(
        processed=processed,
        fpir=fpir,
        **means,
        strangers=_mean(strangers_named),
        sources=tuple(scores),
    )


def answers(
    gallery: fp.Gallery, rows: np.ndarray, quality: Sequence[fp.Quality], fpir: float
) -> list[fp.Identification]:
    """Each image, (n, D) and its quality, looked up by itself."""
    calibration = gallery.extractor.calibration
    return [
        gallery.search(row[None], calibration, quality=(one,), fpir=fpir)
        for row, one in zip(rows, quality, strict=True)
    ]


def processing(name: str) -> Callable[[Path], Any]:
    """From a file to what is looked up; "jpeg85" is "jpeg 85".

    Raises ValueError for a name that says nothing.
    """
    family = name.rstrip("0123456789. ")
    number = name.removeprefix(family).strip()
    if family == AS[0]:
        return lambda path: path
    if family == "scale" and number:
        return lambda path: Scale(float(number)).apply(load_image(path).pixels)
    if family in ("jpeg", "webp", "avif") and number.isdecimal():
        return partial(_as_file, codec=family.upper(), quality=int(number))
    raise ValueError(f"{name!r} is nothing that is done to probes: take one like {AS}")


def _as_file(path: Path, codec: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(load_image(path).pixels).save(buffer, codec, quality=quality)
    return buffer.getvalue()


def _without(gallery: fp.Gallery, family: str, source: str | None = None) -> fp.Gallery:
    """The gallery less a family, or less one source of it."""
    kept = fp.Gallery(gallery.extractor)
    kept.merge(gallery)
    for name, entry in gallery.items():
        origin = entry.provenance
        if origin and origin.family == family and source in (None, origin.source):
            kept.remove(name)
    return kept


def _families(gallery: fp.Gallery) -> set[str]:
    return {entry.provenance.family for _, entry in gallery.items() if entry.provenance}


def _scores(
    family: str,
    source: str,
    mates: Sequence[fp.Identification] | None,
    strangers: Sequence[fp.Identification],
) -> SourceScores:
    def share(cases: Iterable[bool]) -> float | None:
        return None if mates is None else float(np.mean(list(cases)))

    known = mates or ()
    return SourceScores(
        family,
        source,
        len(strangers),
        share(one.nearest == family for one in known),
        share(one.best == family for one in known),
        share(one.known and one.best != family for one in known),
        share(one.verdict == "none" for one in known),
        float(np.mean([one.known for one in strangers])),
        tuple(sorted({one.best for one in strangers if one.best is not None})),
    )


def _mean(groups: Sequence[Sequence[float]]) -> Estimate:
    """Mean of the groups' means, and 95 % of it when groups are resampled."""
    means = np.array([np.mean(group) for group in groups])
    rng = np.random.default_rng(0)
    drawn = means[rng.integers(len(means), size=(_RESAMPLES, len(means)))].mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(means.mean()), float(low), float(high))
