"""Measuring in turn: a busy spell of the machine meets whatever is compared alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key")

_SPELL_MS = 400.0
_CALLS = 9


@dataclass(frozen=True)
class Times:
    """Of one call, in milliseconds.

    Attributes:
        wall, cpu: the median of each round.
        best_ms: the shortest wall time of all calls.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    best_ms: float

    @property
    def ms(self) -> float:
        """The median of the rounds' wall times."""
        return statistics.median(self.wall)


def in_turn(calls: Mapping[Key, Callable[[], object]], *, rounds: int) -> dict[Key, Times]:
    """Each call once to warm up; then, round by round, all of them one after the other.

    A short call is repeated, for 400 ms or 9 times.
    """
    for call in calls.values():
        call()
    found: dict[Key, list[list[tuple[float, float]]]] = {key: [] for key in calls}
    for _ in range(rounds):
        for key, call in calls.items():
            found[key].append(_spell(call))
    return {
        key: Times(
            wall=tuple(statistics.median(wall for wall, _ in each) for each in spells),
            cpu=tuple(statistics.median(cpu for _, cpu in each) for each in spells),
            best_ms=min(wall for each in spells for wall, _ in each),
        )
        for key, spells in found.items()
    }


def ratio(of: Sequence[float], to: Sequence[float]) -> dict[str, float]:
    """The ratio of each round: its median and its range."""
    each = [a / b for a, b in zip(of, to, strict=True)]
    return {"median": statistics.median(each), "lowest": min(each), "highest": max(each)}


def _spell(call: Callable[[], object]) -> list[tuple[float, float]]:
    times: list[tuple[float, float]] = []
    while len(times) < _CALLS and sum(wall for wall, _ in times) < _SPELL_MS:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        times.append(
            (1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)),
        )
    return times
