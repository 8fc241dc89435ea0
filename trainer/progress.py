"""A progress bar with an estimate of the time left, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def bar(title: str) -> Iterator[Callable[..., None]]:
    """Yields `update(done, total, **numbers)`; the numbers are shown behind the bar."""
    with bars() as update:
        yield lambda done, total, **numbers: update(title, done, total, **numbers)


@contextmanager
def bars() -> Iterator[Callable[..., None]]:
    """Yields `update(title, done, total, **numbers)`: one bar for each title, as they come."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}"),
        console=Console(stderr=True),
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def update(title: str, done: int, total: int, **numbers: float) -> None:
            text = " ".join(f"{name} {value:.4g}" for name, value in numbers.items())
            if title not in tasks:
                tasks[title] = progress.add_task(title, total=total, numbers=text)
            progress.update(tasks[title], completed=done, total=total, numbers=text)

        yield update
