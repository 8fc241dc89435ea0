"""The scores of a built-in gallery as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fingerprint_sdk.text import visible
from trainer.evaluation.table import as_text
from trainer.known.evaluate import KnownScores

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = ("first", "named", "misnamed", "none", "strangers")


def print_known(results: Sequence[KnownScores], *, console: Console | None = None) -> None:
    """Print a row for each way of processing, then the sources of the first one by one.

    Args:
        results: at least one.
        console: where to; None for stdout.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = console or Console()
    first = results[0]
    table = Table(title=f"in %, at FPIR {100 * first.fpir:g} %; 95 % of resampled sources")
    for name in ("probes", "family first", "named", "misnamed", "none said", "strangers named"):
        table.add_column(name)
    for one in results:
        cells = (as_text(getattr(one, column)) for column in _COLUMNS)
        table.add_row(*map(Text, (one.processed, *cells)))
    out.print(table)
    sources = Table(title=f"probes {first.processed}")
    for name in (
        "source",
        "images",
        "first",
        "named",
        "misnamed",
        "none said",
        "as strangers",
        "taken for",
    ):
        sources.add_column(name)
    for source in first.sources:
        shares = (source.first, source.named, source.misnamed, source.none, source.stranger)
        label = visible(f"{source.family} / {source.source}")
        cells = (label, str(source.images), *map(as_text, shares), ", ".join(source.taken_for))
        sources.add_row(*map(Text, cells))
    out.print(sources)
