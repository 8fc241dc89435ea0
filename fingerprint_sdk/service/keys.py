"""API keys: from the environment or a file, since others see what is on a command line."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from fingerprint_sdk.errors import ArgumentError

VARIABLE = "FINGERPRINT_API_KEY"
_SHORTEST = 16
_LARGEST = 2**16  # bytes of a file of keys


@dataclass(frozen=True)
class Keys:
    """The keys that are accepted; with none at all, everybody is.

    Attributes:
        accepted: each at least 16 printable ASCII characters without spaces. Several let clients
            move from an old one to a new one.
    """

    accepted: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for place, key in enumerate(self.accepted, 1):
            usable = key.isascii() and key.isprintable() and " " not in key
            if not usable or len(key) < _SHORTEST:
                raise ArgumentError(  # without the key: this is logged
                    f"API key {place} cannot be used: give at least {_SHORTEST} printable ASCII "
                    "characters without spaces, as `openssl rand -hex 32` makes them"
                )

    def __bool__(self) -> bool:
        return bool(self.accepted)

    def admit(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header has one of the keys; always without keys.

        It takes the same time whatever the key is, and whichever it is.
        """
        if not self.accepted:
            return True
        scheme, _, given = authorization.partition(" ")
        found = [
            hmac.compare_digest(given.strip().encode(), key.encode()) for key in self.accepted
        ]
        return scheme.lower() == "bearer" and any(found)

    @classmethod
    def read(cls, path: Path | None = None) -> Keys:
        """The keys in a file, one a line, or without ``path`` that of ``FINGERPRINT_API_KEY``.

        Raises:
            ArgumentError: the file cannot be read, has none, or a key cannot be used.
        """
        if path is None:
            one = os.environ.get(VARIABLE, "").strip()
            return cls((one,) if one else ())
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST).decode()
        except (OSError, ValueError) as error:
            raise ArgumentError(f"cannot read API keys from {str(path)!r}: {error}") from error
        keys = tuple(line.strip() for line in text.splitlines() if line.strip())
        if not keys:
            raise ArgumentError(f"{str(path)!r} has no API key: write one a line")
        return cls(keys)
