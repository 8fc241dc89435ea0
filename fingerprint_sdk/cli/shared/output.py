"""Results on stdout: a table for people, or one JSON document. All else goes to stderr.

What is printed may hold names that strangers gave, so it goes through ``text.visible``; JSON is
ASCII.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fingerprint_sdk.documents import SCHEMA
from fingerprint_sdk.text import encodable, visible

_UNFOLDED = 1000


def print_json(document: Mapping[str, object]) -> None:
    """Print ``document`` as JSON on stdout, in ASCII so that any terminal can show it."""
    print(json.dumps({"schema": SCHEMA, **document}, indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print a table on stdout; numbers are aligned to the right. Texts are taken literally."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(title=Text(_cell(title)) if title else None, title_justify="left")
    for index, column in enumerate(columns):
        numeric = bool(rows) and isinstance(rows[0][index], int | float)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    # Without a terminal there is no edge to fold at, and folded file names cannot be searched.
    console = Console(width=None if sys.stdout.isatty() else _UNFOLDED)
    with console.capture() as printed:  # rich ends the process when nobody reads what it prints
        console.print(table)
    print(printed.get(), end="")


def print_attributes(found: Sequence[object], columns: Mapping[str, str], title: str = "") -> None:
    """Print a table with a row for each of ``found``; ``columns`` maps titles to attributes."""
    rows = [[getattr(one, attribute) for attribute in columns.values()] for one in found]
    print_table(tuple(columns), rows, title)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print ``name  value`` lines on stdout."""
    shown = [(_cell(name), _cell(value)) for name, value in pairs]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        print(f"{name:<{width}}  {value}")


def say(message: str) -> None:
    """Print a line on stdout."""
    print(_cell(message))


def note(message: str) -> None:
    """Tell the person something in a line on stderr."""
    print(visible(message), file=sys.stderr)


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None] | None]:
    """A function to call with the number of items done, which moves a bar on stderr.

    None when stderr is not a terminal or there is only one item.
    """
    if total < 2 or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}" if math.isfinite(value) else "-"
    return encodable(visible(str(value)), sys.stdout.encoding)  # terminals may know few letters
