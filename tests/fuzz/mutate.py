"""Seeded damage to bytes, texts and JSON."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import MutableMapping, MutableSequence
from copy import deepcopy
from typing import Any

_ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    255,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    10**400,
    -(10**30),
    0.0,
    -0.0,
    0.5,
    1e-320,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    -float("inf"),
    "",
    "0",
    "nan",
    "-1",
    "1e999",
    "x" * 5000,
    "\ud800",
    "\0",
    "\u0661",
    "../../x",
    "\x1b[31m",
    [],
    {},
    [[]],
    [None],
    {"": None},
)
_BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x22, 0x5B, 0x7B, 0x30)


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, taken out, put in, doubled, or the end cut off."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(len(changed) + 1)
        # Most of what a file says of itself stands at its beginning.
        if rng.random() < 0.5:
            place = min(place, rng.randrange(200))
        stop = min(len(changed), place + rng.choice((1, 1, 2, 8, 64)))
        match rng.randrange(7):
            case 0:
                del changed[place:stop]
            case 1:
                changed[place:place] = bytes(rng.choice(_BYTES) for _ in range(stop - place))
            case 2:
                changed[place:place] = changed[place:stop]
            case 3 if rng.random() < 0.3:
                del changed[place:]
            case 4 if stop > place:
                changed[place] ^= 1 << rng.randrange(8)
            case 5:
                changed[place:stop] = struct.pack("<Q", rng.getrandbits(64))[: stop - place]
            case _:
                changed[place:stop] = bytes(rng.choice(_BYTES) for _ in range(stop - place))
    return bytes(changed)


def damaged_json(value: Any, rng: random.Random) -> Any:
    """A copy of a JSON value in which some values are others, gone, doubled, or nested."""
    whole = [json.loads(json.dumps(value))]
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        holder, key = _somewhere(whole, rng)
        match rng.randrange(6):
            case 0 if holder is not whole:
                del holder[key]
            case 1 if isinstance(holder, MutableSequence) and holder is not whole:
                holder.insert(key, deepcopy(holder[key]))
            case 2 if isinstance(holder, MutableMapping):
                holder[rng.choice(("", "x", "__metadata__", "\ud800"))] = holder.pop(key)
            case 3:
                for _ in range(rng.choice((1, 3, 100))):
                    holder[key] = [holder[key]]
            case 4 if isinstance(holder[key], int | float) and abs(holder[key]) < 1e300:
                holder[key] = holder[key] * rng.choice((-1, 0, 2, 1e-3, 1e3, 1 + 1e-9))
            case _:
                holder[key] = deepcopy(rng.choice(_ODD))
    return whole[0]


def damaged_text(value: Any, rng: random.Random) -> str:
    """JSON text of a damaged value, or a damaged text."""
    if rng.random() < 0.03:
        return json.dumps(value)
    if rng.random() < 0.7:
        return json.dumps(damaged_json(value, rng), ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        return rng.choice(("[", '{"a":', "-", '"')) * rng.choice((1, 10, 100_000))
    return damaged_bytes(json.dumps(value).encode(), rng).decode("utf-8", "replace")


def _somewhere(whole: list[Any], rng: random.Random) -> tuple[Any, Any]:
    """A place in a value: what holds it, and its key there."""
    holder, key = whole, 0
    while isinstance(holder[key], list | dict) and holder[key] and rng.random() < 0.85:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    return holder, key
