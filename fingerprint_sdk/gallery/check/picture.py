"""The confusion picture: a field for each two entries, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fingerprint_sdk.gallery.check.result import Confusion
from fingerprint_sdk.markup import render

if TYPE_CHECKING:
    from markupsafe import Markup

_FIELD, _LABEL, _LONGEST = 28, 132, 17  # px of a field and of the names; letters of a name
_LIGHT, _DARK = (0xF6, 0xF8, 0xFA), (0x05, 0x50, 0xAE)  # of the page's own colours


def picture(confusion: Confusion) -> Markup:
    """An ``svg`` element; names and numbers of a field are shown when it is pointed at."""
    known = [score for row in confusion.scores for score in row if score is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = max(high - low, 1e-9)
    count = len(confusion.names)
    labels, fields = [], []
    for row, (name, scores) in enumerate(zip(confusion.names, confusion.scores, strict=True)):
        left = (
            _LABEL - 6,
            (row + 1) * _FIELD + _FIELD // 2 + 4,
            "end",
            f"{_short(name)} {row + 1}",
        )
        above = (_LABEL + row * _FIELD + _FIELD // 2, 18, "middle", str(row + 1))
        for x, y, anchor, shown in (left, above):
            labels.append({"x": x, "y": y, "anchor": anchor, "shown": shown, "whole": name})
        for column, (other, score) in enumerate(zip(confusion.names, scores, strict=True)):
            share = 0.0 if score is None else (score - low) / span
            said = "not measurable" if score is None else f"{score:.2f}"
            fields.append(
                {
                    "x": _LABEL + column * _FIELD,
                    "y": (row + 1) * _FIELD,
                    "title": f"{name} with {other}: {said}",
                    "own": row == column,
                    "colour": _colour(share),
                    "ink": "#ffffff" if share > 0.5 else "#1f2328",
                    "number": "" if score is None else said.replace("0.", ".", 1),
                }
            )
    return render(
        "gallery/check/picture.svg",
        width=_LABEL + count * _FIELD,
        height=(1 + count) * _FIELD,
        side=_FIELD,
        labels=labels,
        fields=fields,
    )


def _short(name: str) -> str:
    # Siblings differ at their ends.
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}"


def _colour(share: float) -> str:
    mixed = (round(a + share * (b - a)) for a, b in zip(_LIGHT, _DARK, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)
