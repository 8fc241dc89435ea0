"""Does a file's declaration fit what was measured? Where that is not sure: it says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fingerprint_sdk.declaration.declaration import Declaration
from fingerprint_sdk.declaration.models import known_models, names, without_kind, words
from fingerprint_sdk.declaration.statement import Statement

Fit = Literal["agrees", "contradicts", "says nothing"]
About = Literal["model", "camera", "generated", "nothing"]

_CAPTURED = frozenset(
    {"digitalcapture", "computationalcapture", "compositecapture"}
    | {"negativefilm", "positivefilm", "print"}
)
_CAMERA = frozenset({"Make", "Model", "tiff:Make", "tiff:Model"})
_NO_CAMERAS = frozenset({"ai", "diffusion", "midjourney", "generated", "generator"})
_GENERATED = frozenset(
    {"trainedalgorithmicmedia", "compositewithtrainedalgorithmicmedia", "compositesynthetic"}
    | {"algorithmicmedia"}
)
"""Terms of the IPTC vocabulary, https://cv.iptc.org/newscodes/digitalsourcetype/."""


@dataclass(frozen=True)
class Agreement:
    """How a declaration stands to a measurement.

    Attributes:
        fit: "agrees", "contradicts" or "says nothing".
        about: what it declares: "model" (a known generator), "camera", "generated" (by a model
            that it does not tell), or "nothing" of these.
        declared: its word for that; empty for "nothing".
        measured: name of the family that was named; None for none of them, or no answer.
    """

    fit: Fit
    about: About
    declared: str
    measured: str | None


def compare(
    declaration: Declaration,
    measured: str | None,
    families: Mapping[str, Sequence[str]],
    *,
    answered: bool = True,
) -> Agreement:
    """Compare a declaration with the answer of an identification.

    Args:
        declaration: of the image.
        measured: name of the family that was named; None for none of them.
        families: names of all families that were compared, each with the names of the models that
            belong to it, if they are known.
        answered: False for an inconclusive measurement, which nothing can contradict.
    """
    statements = _counted(declaration)
    known = _known(statements, families)
    camera = _camera(statements)
    generated = _generated(statements)
    fit: Fit = "says nothing"
    if known:
        # A camera's own file that a generator was let into: one does not exclude the other.
        if answered and not camera:
            fit = _fit([one.families for one in known], measured)
        return Agreement(fit, "model", known[0].word, measured)
    if generated:
        return Agreement(fit, "generated", generated, measured)
    if camera:
        if answered and measured is not None:
            fit = "contradicts"
        return Agreement(fit, "camera", camera, measured)
    return Agreement(fit, "nothing", "", measured)


@dataclass(frozen=True)
class _Families:
    """The families that a declared name speaks of: ``sure``, and those that it ``may`` mean."""

    sure: frozenset[str]
    may: frozenset[str]


@dataclass(frozen=True)
class _Known:
    word: str
    families: _Families


def _fit(found: Sequence[_Families], measured: str | None) -> Fit:
    """Of several names all must agree, or all contradict."""
    if measured is None:
        return "contradicts" if all(one.sure for one in found) else "says nothing"
    if all(measured in one.sure for one in found):
        return "agrees"
    if all(measured not in one.may for one in found):
        return "contradicts"
    return "says nothing"


def _counted(declaration: Declaration) -> list[Statement]:
    """The statements without those of ingredients, which tell what an image was made from.

    Claims of an invalid manifest may be those of another file.
    """
    invalid = declaration.c2pa is not None and declaration.c2pa.validation == "invalid"
    left_out = {"C2PA ingredient", *(["C2PA"] if invalid else [])}
    return [one for one in declaration.statements if one.source not in left_out]


def _known(statements: Sequence[Statement], families: Mapping[str, Sequence[str]]) -> list[_Known]:
    """Declared names that speak of a family, or of a generator of our list."""
    found = []
    for one in statements:
        named = one.kind in ("model", "tool") or (one.source == "C2PA" and one.kind == "prompt")
        if not named:
            continue
        spoken = _spoken_of(one.value, families)
        if spoken is not None:
            generators = ", ".join(sorted(known_models(one.value)))
            word = (generators or one.source) if one.private else one.value
            found.append(_Known(word, spoken))
    return found


def _spoken_of(text: str, families: Mapping[str, Sequence[str]]) -> _Families | None:
    """None for a text that names nothing known."""
    members = {family: (without_kind(family), *more) for family, more in families.items()}
    named = frozenset(
        family for family, all_ in members.items() if any(names(text, one) for one in all_)
    )
    if named:
        return _Families(named, named)
    generators = known_models(text)
    if not generators:
        return None
    kinds = {
        family: frozenset[str]().union(*(known_models(one) for one in all_))
        for family, all_ in members.items()
    }
    sure = frozenset(family for family, kind in kinds.items() if kind & generators)
    return _Families(sure, sure | {family for family, kind in kinds.items() if not kind})


def _camera(statements: Sequence[Statement]) -> str:
    """The camera, or the term that says there was one; empty if none is declared."""
    cameras = [
        one.value
        for one in statements
        if one.kind == "camera"
        and one.name in _CAMERA
        # Some generators sign there.
        and not (known_models(one.value) or _NO_CAMERAS.intersection(words(one.value)))
    ]
    return " ".join(dict.fromkeys(cameras[:2])) or _source_type(statements, _CAPTURED)


def _generated(statements: Sequence[Statement]) -> str:
    """A model that is not known, or the term that says there was one; empty if neither."""
    models = [one.value for one in statements if one.kind == "model"]
    return models[0] if models else _source_type(statements, _GENERATED)


def _source_type(statements: Sequence[Statement], terms: frozenset[str]) -> str:
    for one in statements:
        if one.kind == "source type":
            term = one.value.rstrip("/").rpartition("/")[2].rpartition(":")[2]
            if term.lower() in terms:
                return term
    return ""
