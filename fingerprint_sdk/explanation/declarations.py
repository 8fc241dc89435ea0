"""What files say of themselves, in the lines and the fields that commands and pages share."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.declaration import Agreement, Declaration, compare, declared
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.explanation.sentences import fitting, signature

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery
    from fingerprint_sdk.identification import Identification

DECLARES = "The file declares:"
SILENT = (
    "Nothing was found that the file says of itself. That means nothing: most programs leave such "
    "words out when they save a file."
)
CAUTION = "Anybody can write that into a file. No score depends on it."
_MAX_LINES = 30


def declared_by(source: object) -> Declaration | None:
    """What a file says of itself; None of pixels, and of a file that is gone since."""
    if isinstance(source, io.BytesIO):
        source = source.getvalue()
    if not isinstance(source, str | os.PathLike | bytes | bytearray | memoryview):
        return None
    try:
        return declared(source)
    except ImageError:
        return None


def families_of(gallery: Gallery) -> dict[str, tuple[str, ...]]:
    """What ``compare`` takes: families, and entries of their own, each with its members."""
    return {
        entry.provenance.family if entry.provenance else name: (
            entry.provenance.members if entry.provenance else ()
        )
        for name, entry in gallery.items()
    }


def agreement_with(
    declaration: Declaration | None,
    result: Identification | None,
    families: Mapping[str, Sequence[str]],
) -> Agreement | None:
    """How a declaration fits an identification; None where either is missing."""
    if declaration is None or result is None:
        return None
    answered = result.verdict != "inconclusive"
    return compare(declaration, result.best, families, answered=answered)


def declarations_of(
    sources: Sequence[object], result: Identification, gallery: Gallery
) -> list[tuple[Declaration | None, Agreement | None]]:
    """What each file of a probe says of itself, and how that fits the answer."""
    families = families_of(gallery)
    declarations = [declared_by(source) for source in sources]
    return [(one, agreement_with(one, result, families)) for one in declarations]


def declaration_lines(
    declaration: Declaration, agreement: Agreement | None, private: bool
) -> list[tuple[str, str]]:
    """A declaration as names and values, its fit at the end."""
    lines = []
    if declaration.c2pa is not None:
        lines.append(("C2PA", signature(declaration.c2pa)))
    shown = declaration.shown(private)
    lines += [(f"{one.source} {one.name}", one.value) for one in shown[:_MAX_LINES]]
    if len(shown) > _MAX_LINES:
        lines.append(("more", f"{len(shown) - _MAX_LINES} statements, all in the JSON document"))
    if declaration.withheld and not private:
        lines.append(("withheld", ", ".join(declaration.withheld[:_MAX_LINES])))
    lines += [("not read", note) for note in declaration.notes]
    if agreement is not None:
        lines.append(("fit", fitting(agreement)))
    return lines


def declaration_dict(
    declaration: Declaration | None, agreement: Agreement | None, private: bool
) -> dict[str, Any] | None:
    """The section "Declared" of docs/json.md."""
    if declaration is None:
        return None
    return {
        **declaration.to_dict(private),
        "agreement": None if agreement is None else agreement.fit,
        "words": None if agreement is None else fitting(agreement),
    }
