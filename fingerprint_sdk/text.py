"""Names, notes and paths that strangers wrote, on their way to a terminal, a table or a page.

A file's name may hold any byte but two, and a note anything at all: sequences that move a
terminal's cursor, change its title or turn the line around, formulas that a spreadsheet runs, and
bytes that are no text. All that is printed goes through here; files, JSON documents and results in
Python hold names as they are.
"""

from __future__ import annotations

import re
import unicodedata

# What a spreadsheet takes for a formula, with what it may skip before (OWASP, "CSV Injection").
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
# Joiners between letters and parts of pictures: without an effect of their own elsewhere.
_JOINERS = "\u200c\u200d"


def visible(text: str) -> str:
    r"""``text`` on one line, with what does not print written out, as in ``\x1b`` or ``\u202e``.

    These are control characters, line ends, characters that turn the direction of writing, and
    others without a shape. Bytes that are no text, which the system gives as lone surrogates, are
    written as bytes: ``\xff``. Letters and spaces stay as they are, of whatever script.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def encodable(text: str, encoding: str | None) -> str:
    r"""``text`` with what an encoding does not have written out, as in ``\u20ac``."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)


def cell(text: str) -> str:
    """``text`` as a cell of a CSV file: ``visible``, and no formula.

    Where a spreadsheet would see a formula, at ``=``, ``+``, ``-`` or ``@`` in front, it gets an
    apostrophe before it.
    """
    return f"'{visible(text)}" if _FORMULA.match(text) else visible(text)


def _shown(letter: str) -> str:
    if letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) == "Zs":
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape", "surrogatepass").decode()
