"""A progress bar with an estimate of the time left, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(title: str) -> Iterator[Callable[..., None]]:
    """Yields `update(done, total, **numbers)`; the numbers are shown behind the bar."""
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
        task = progress.add_task(title, total=None, numbers="")

        def update(done: int, total: int, **numbers: float) -> None:
            text = " ".join(f"{name} {value:.4g}" for name, value in numbers.items())
            progress.update(task, completed=done, total=total, numbers=text)

        yield update
