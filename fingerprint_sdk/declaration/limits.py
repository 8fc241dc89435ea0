"""JSON of strangers: so deep, so long, and no deeper."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
"""Of brackets within each other: a workflow of ComfyUI has about ten."""

# A string as one piece, or a bracket. Nothing here can be matched in two ways.
_PIECES = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def bounded_json(text: str) -> Any:
    """What a JSON text says; None if it is none, or nested deeper than ``MAX_DEPTH``."""
    if text.lstrip()[:1] not in ("{", "[") or _depth(text) > MAX_DEPTH:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _PIECES.finditer(text):
        piece = match[0]
        if piece in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif piece in "]}":
            depth -= 1
    return deepest
