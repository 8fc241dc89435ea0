"""How far a stage is: told by whatever takes long, shown as bars with the time left, on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import TaskID


class Progress(Protocol):
    """Called now and then by everything here that takes long."""

    def __call__(self, stage: str, done: int, total: int, /, **numbers: float) -> None:
        """`done` of `total` steps of a `stage`; the `numbers` are shown behind its bar."""


def silent(stage: str, done: int, total: int, /, **numbers: float) -> None:
    """Shows nothing."""


def part_of(progress: Progress, stage: str, before: int = 0, total: int | None = None) -> Progress:
    """Shows whatever it is told as a part of one `stage`.

    `before` steps of it are done, of `total` in all; None for as many as it is told of.
    """

    def update(_: str, done: int, count: int, /, **numbers: float) -> None:
        progress(stage, before + done, count if total is None else total, **numbers)

    return update


@contextmanager
def bars() -> Iterator[Progress]:
    """Yields a `Progress` that shows a bar for each stage, as they come."""
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

        def update(stage: str, done: int, total: int, /, **numbers: float) -> None:
            text = " ".join(f"{name} {value:.4g}" for name, value in numbers.items())
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total, numbers=text)
            progress.update(tasks[stage], completed=done, total=total, numbers=text)

        yield update
