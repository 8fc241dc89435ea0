"""The confusion picture: a field for each two entries, as SVG."""

from __future__ import annotations

from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.gallery.check.result import Confusion

_FIELD, _LABEL, _LONGEST = 28, 132, 17  # px of a field and of the names; letters of a name
_LIGHT, _DARK = (0xF6, 0xF8, 0xFA), (0x05, 0x50, 0xAE)  # of the page's own colours


def picture(confusion: Confusion) -> str:
    """An ``svg`` element; names and numbers of a field are shown when it is pointed at."""
    known = [score for row in confusion.scores for score in row if score is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = max(high - low, 1e-9)
    count = len(confusion.names)
    width, height = _LABEL + count * _FIELD, (1 + count) * _FIELD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n<title>Mean scores between the entries</title>\n'
    ]
    for row, (name, scores) in enumerate(zip(confusion.names, confusion.scores, strict=True)):
        middle = (row + 1.5) * _FIELD + 4
        parts.append(_label(_LABEL - 6, middle, "end", f"{_short(name)} {row + 1}", name))
        parts.append(_label(_LABEL + (row + 0.5) * _FIELD, 18, "middle", str(row + 1), name))
        for column, (other, score) in enumerate(zip(confusion.names, scores, strict=True)):
            share = 0.0 if score is None else (score - low) / span
            said = "not measurable" if score is None else f"{score:.2f}"
            x, y = _LABEL + column * _FIELD, (row + 1) * _FIELD
            frame = ' stroke="#1f2328" stroke-width="1.5"' if row == column else ""
            parts.append(
                f"<g><title>{text(name)} with {text(other)}: {said}</title>"
                f'<rect x="{x + 1}" y="{y + 1}" width="{_FIELD - 2}" height="{_FIELD - 2}" '
                f'fill="{_colour(share)}"{frame}/>'
            )
            if score is not None:
                ink = "#ffffff" if share > 0.5 else "#1f2328"
                number = f"{score:.2f}".replace("0.", ".", 1)
                parts.append(
                    f'<text x="{x + _FIELD / 2:g}" y="{middle:g}" text-anchor="middle" '
                    f'fill="{ink}">{number}</text>'
                )
            parts.append("</g>\n")
    return "".join([*parts, "</svg>\n"])


def _label(x: float, y: float, anchor: str, shown: str, whole: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="#1f2328">'
        f"<title>{text(whole)}</title>{text(shown)}</text>\n"
    )


def _short(name: str) -> str:
    # Siblings differ at their ends.
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}"


def _colour(share: float) -> str:
    mixed = (round(a + share * (b - a)) for a, b in zip(_LIGHT, _DARK, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)
