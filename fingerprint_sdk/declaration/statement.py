"""One thing that a file says of itself."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["model", "tool", "source type", "camera", "other", "prompt", "person"]

MAX_SHOWN = 200
"""Characters of a value that are kept."""

MAX_PROMPT = 20_000
"""The same of a prompt or another text by a person."""

_PRIVATE = frozenset({"prompt", "person"})
# Control characters, marks that turn the direction of writing, lone surrogates, private use,
# unassigned ones, and the two breaks of lines that are no control characters.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Statement:
    r"""One thing that a file says of itself.

    Attributes:
        source: who says it: "C2PA", "EXIF", "XMP", "IPTC", "PNG", "A1111", "ComfyUI", ...
        name: of the field, as the source spells it.
        value: what it says, at most 200 characters, or 20,000 of a prompt. Characters that cannot
            be seen or that steer a terminal are written as escapes, a line break as ``\n``.
        kind: what it is about: "model" (a checkpoint, a VAE, a generator), "tool" (a program),
            "source type" (a term of the IPTC vocabulary), "camera", "other", "prompt" (or
            another text by a person), "person" (a name).
    """

    source: str
    name: str
    value: str
    kind: Kind

    @property
    def private(self) -> bool:
        """Whether it is a prompt, a free text or a name, which is shown only when asked for."""
        return self.kind in _PRIVATE

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "source": self.source,
            "name": self.name,
            "kind": self.kind,
            "value": self.value,
        }


def statement(source: str, name: str, value: object, kind: Kind) -> list[Statement]:
    """A statement with its texts made fit to be shown; none of an empty value."""
    limit = MAX_PROMPT if kind in _PRIVATE else MAX_SHOWN
    text = visible(str(value), limit)
    return [Statement(source, visible(name, 80), text, kind)] if text else []


def visible(text: str, limit: int = MAX_SHOWN) -> str:
    """Text in which nothing is hidden, of at most ``limit`` characters and an ellipsis."""
    text = text[: 2 * limit].strip("\0 \t\r\n")
    shown = "".join(_escaped(character) for character in text)
    return shown if len(shown) <= limit else shown[:limit] + "…"


def _escaped(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode()
