"""CBOR (RFC 8949), as far as C2PA uses it, from strangers."""

from __future__ import annotations

import struct
from typing import Any

_MAX_DEPTH = 32
_MAX_ITEMS = 20_000
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE = {20: False, 21: True}


def decode(data: bytes) -> Any:
    """One item: integers, bytes, texts, lists, dicts, floats, booleans; None for anything else.

    Tags are passed over. Keys that are no text are left out.

    Raises:
        ValueError: it is cut short, nested deeper than 32, or of more than 20,000 items.
    """
    return _Decoder(data).item(0)


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        self._items = 0

    def item(self, depth: int) -> Any:
        self._items += 1
        if depth > _MAX_DEPTH or self._items > _MAX_ITEMS:
            raise ValueError("CBOR is nested too deep or has too many items")
        major, low = divmod(self._take(1)[0], 32)
        if major == 7:
            return self._simple(low)
        if low == 31:
            return self._without_length(major, depth)
        length = low if low < 24 else self._number(low)
        if major < 2:
            return length if major == 0 else -1 - length
        if major < 4:
            return self._string(major, self._take(length))
        if major == 4:
            return [self.item(depth + 1) for _ in range(length)]
        if major == 5:
            return self._pairs(depth, length)
        return self.item(depth + 1)  # behind a tag

    def _number(self, low: int) -> int:
        if low > 27:
            raise ValueError("CBOR has a length of no form")
        return int.from_bytes(self._take(1 << (low - 24)), "big")

    def _simple(self, low: int) -> Any:
        if low == 24:
            self._take(1)
        elif low in _FLOATS:
            return struct.unpack(_FLOATS[low], self._take(1 << (low - 24)))[0]
        elif low > 24:
            raise ValueError("CBOR ends where an item should be")
        return _SIMPLE.get(low)

    def _without_length(self, major: int, depth: int) -> Any:
        """An item that goes on until a break."""
        if major not in (2, 3, 4, 5):
            raise ValueError("CBOR has no length where one is needed")
        if major == 5:
            return self._pairs(depth, None)
        found = []
        while not self._ended():
            found.append(self.item(depth + 1))
        if major == 4:
            return found
        joined: Any = b"" if major == 2 else ""
        if not all(type(one) is type(joined) for one in found):
            raise ValueError("CBOR has a piece of another kind")
        return joined.join(found)

    def _pairs(self, depth: int, length: int | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._ended() if length is None else length:
            key, value = self.item(depth + 1), self.item(depth + 1)
            if isinstance(key, str):
                found[key] = value
            if length is not None:
                length -= 1
        return found

    def _ended(self) -> bool:
        if self._data[self._place : self._place + 1] != b"\xff":
            return False
        self._place += 1
        return True

    @staticmethod
    def _string(major: int, data: bytes) -> bytes | str:
        return data if major == 2 else data.decode("utf-8", "replace")

    def _take(self, length: int) -> bytes:
        found = self._data[self._place : self._place + length]
        if len(found) < length:
            raise ValueError("CBOR is cut short")
        self._place += length
        return found
