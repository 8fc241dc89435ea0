"""JSON of strangers: so deep and so many, or not at all."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
"""Of brackets within each other: a workflow of ComfyUI has about ten."""

MAX_BRACKETS = 100_000
"""Lists and objects: a large workflow has some ten thousand, and each takes 60 bytes or more."""

# A string as one piece, or a bracket. Nothing here can be matched in two ways.
_PIECES = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def bounded_json(text: str) -> Any:
    """What a JSON text says; None if it is none, or over the limits."""
    if text.lstrip()[:1] not in ("{", "[") or not _within_limits(text):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _within_limits(text: str) -> bool:
    depth = brackets = 0
    for match in _PIECES.finditer(text):
        piece = match[0]
        if piece in "[{":
            depth += 1
            brackets += 1
            if depth > MAX_DEPTH or brackets > MAX_BRACKETS:
                return False
        elif piece in "]}":
            depth -= 1
    return True
