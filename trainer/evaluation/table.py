"""Scores as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fingerprint_sdk.text import visible
from trainer.evaluation.decisions import Decisions
from trainer.evaluation.identification import LevelScores
from trainer.evaluation.metrics import Estimate
from trainer.evaluation.scores import Scores
from trainer.evaluation.verification import PairScores, VerificationScores

if TYPE_CHECKING:
    from rich.console import Console

_Cell = Callable[[PairScores], str]
_IDENTIFICATION_ROWS: tuple[tuple[str, Callable[[LevelScores], Estimate]], ...] = (
    ("accuracy", lambda level: level.accuracy),
    ("macro-F1", lambda level: level.macro_f1),
)
_PAIR_ROWS: tuple[tuple[str, _Cell], ...] = (
    ("AUC", lambda pairs: as_text(pairs.auc)),
    ("best-threshold accuracy", lambda pairs: as_text(pairs.best_threshold_accuracy)),
    ("FNMR at FMR 1 %", lambda pairs: as_text(pairs.fnmr_at_fmr_1)),
    ("FNMR at FMR 10 %", lambda pairs: as_text(pairs.fnmr_at_fmr_10)),
)
_DECISION_ROWS: tuple[tuple[str, Callable[[Decisions], str]], ...] = (
    ("Cllr, bits", lambda d: f"{d.cllr:.3f}"),
    ("Cllr_min, bits", lambda d: f"{d.cllr_min:.3f}"),
    ("nominal FMR, FNMR", lambda d: f"{as_text(d.fmr)}, {as_text(d.fnmr)}"),
    ("two models: same", lambda d: as_text(d.impostor.same)),
    ("two models: inconclusive", lambda d: as_text(d.impostor.inconclusive)),
    ("one model: same", lambda d: as_text(d.genuine.same)),
    ("one model: different", lambda d: as_text(d.genuine.different)),
    ("one model: inconclusive", lambda d: as_text(d.genuine.inconclusive)),
)


def _decided(text: Callable[[Decisions], str]) -> _Cell:
    return lambda pairs: "-" if pairs.decisions is None else text(pairs.decisions)


def print_table(results: Mapping[str, Scores], *, console: Console | None = None) -> None:
    """Print scores in percent, one column for each image set; decoder level in [brackets].

    The verdicts are what a user gets at the rates that ship with the model.

    Args:
        results: scores by name of the image set.
        console: where to; None for stdout.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    title = Text("in %, with 95 % intervals; decoder level in [brackets]")
    table = Table(title=title)
    table.add_column("", no_wrap=True)
    for image_set in results:
        table.add_column(Text(visible(image_set)), justify="right")

    def add(label: str, cell: Callable[[Scores], str], *, last: bool = False) -> None:
        cells = [Text(cell(scores)) for scores in results.values()]
        table.add_row(Text(label), *cells, end_section=last)

    add("models [decoders]", lambda s: f"{len(s.images)} [{len(set(s.decoders.values()))}]")
    add("images", lambda s: str(sum(s.images.values())), last=True)
    for name, estimate in _IDENTIFICATION_ROWS:

        def both(scores: Scores, estimate: Callable[[LevelScores], Estimate] = estimate) -> str:
            levels = scores.identification
            return _levels(as_text(estimate(levels.model)), as_text(estimate(levels.decoder)))

        add(f"identification: {name}", both, last=name == _IDENTIFICATION_ROWS[-1][0])
    rows = _PAIR_ROWS
    if any(scores.verification.model.decisions for scores in results.values()):
        rows += tuple((label, _decided(text)) for label, text in _DECISION_ROWS)
    _add_verification(add, "verification", rows, lambda s: s.verification)
    _add_verification(add, "set verification", rows, lambda s: s.set_verification)
    (console or Console()).print(table)


def _add_verification(
    add: Callable[..., None],
    title: str,
    rows: tuple[tuple[str, _Cell], ...],
    part: Callable[[Scores], VerificationScores],
) -> None:
    add(f"{title}: images a side", lambda s: str(part(s).images))
    for label, cell in rows:

        def both(scores: Scores, cell: _Cell = cell) -> str:
            pairs = part(scores)
            return _levels(cell(pairs.model), cell(pairs.decoder) if pairs.decoder else "-")

        add(f"  {label}", both, last=label == rows[-1][0])


def _levels(model: str, decoder: str) -> str:
    decoder = decoder.partition(" ")[0]  # its interval is in the JSON file
    return model if model.partition(" ")[0] == decoder else f"{model} [{decoder}]"


def as_text(value: Estimate | float | None) -> str:
    """In percent, with the interval if there is one; "-" for None."""
    if value is None:
        return "-"
    if not isinstance(value, Estimate):
        return f"{100 * value:.1f}"
    if value.low is None or value.high is None:
        return as_text(value.value)
    return f"{as_text(value.value)} ({as_text(value.low)}-{as_text(value.high)})"
