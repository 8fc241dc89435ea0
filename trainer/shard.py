"""One machine's share of a long list, where many work on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """Every `count`-th thing of a list, from `number` on, which is 0 to `count` - 1."""

    number: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.count:
            raise ValueError(
                f"there is no shard {self}: of {self.count}, the first is 0/{self.count} and the "
                f"last {self.count - 1}/{self.count}"
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that is written `number/count`. Raises ValueError on anything else."""
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal() and int(count)):
            raise ValueError(f"{text!r} is no shard: the first of eight is 0/8, the last 7/8")
        return cls(int(number), int(count))

    def take(self, things: Sequence[T]) -> tuple[T, ...]:
        """This shard's share, in the order of the list."""
        return tuple(things[self.number :: self.count])


WHOLE = Shard()
"""All of it."""
