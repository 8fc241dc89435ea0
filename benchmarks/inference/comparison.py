"""The paper's pipeline, ours and the processor's arithmetic, in turn on one decoded image."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import fingerprint_sdk as fp
from benchmarks.inference.arithmetic import Work, largest, model_work
from benchmarks.inference.images import Pixels, make_image
from benchmarks.inference.paper import PER_AXIS, PaperPipeline
from benchmarks.inference.rates import PAPERS, Rates, Timed, kernels, rate_rows
from benchmarks.inference.turns import Times, in_turn, ratio
from fingerprint_sdk.images import windows

BUDGETS = (16, 64)
"""Windows of ours: as many as the paper's pipeline could be given, and a whole 1024² image."""

SETTINGS = ((16, PER_AXIS), (16, 4), (64, PER_AXIS))
"""What is compared: our budget of windows, and the paper's windows an axis (Table VII: 3)."""

_WINDOWS_A_KERNEL = 4


@dataclass(frozen=True)
class Measured:
    """Times by what ran, on `threads` threads (None on a GPU), and the work of each."""

    threads: int | None
    pixels: int
    times: dict[tuple[str, int], Times]
    windows: dict[tuple[str, int], int]
    work: dict[tuple[str, int], Work]
    rates: list[dict[str, Any]]

    def timed(self) -> list[Timed]:
        """All of them, for the best rate that was seen."""
        return [Timed(t.ms, t.best_ms, self.work[key]) for key, t in self.times.items()]

    def comparison(self) -> list[dict[str, Any]]:
        """A row each setting: what either side looks at, its time, and the ratio of each round.

        The ratio of CPU times says the same of a machine that other programs keep busy, but counts
        the waiting of idle threads as work, so it is exact for one thread only.
        """
        return [
            self._against(("ours", budget), ("paper", per_axis)) for budget, per_axis in SETTINGS
        ]

    def _against(self, us: tuple[str, int], them: tuple[str, int]) -> dict[str, Any]:
        ours, paper = self.times[us], self.times[them]
        return {
            "threads": self.threads,
            "pixels": self.pixels,
            "budget": us[1],
            "paper_per_axis": them[1],
            "ours_windows": self.windows[us],
            "paper_windows": self.windows[them],
            "ours_ms": ours.ms,
            "ours_best_ms": ours.best_ms,
            "paper_ms": paper.ms,
            "paper_best_ms": paper.best_ms,
            "ratio": ratio(paper.wall, ours.wall),
            "cpu_ratio": ratio(paper.cpu, ours.cpu),
        }

    def sessions(self, rates: Rates) -> list[dict[str, Any]]:
        """A row each budget: the session by itself, over the least time of its arithmetic.

        Never less than 1. The rates are the best of the run, so a slow spell counts against us.
        """
        rows = []
        for budget in BUDGETS:
            session, least = (
                self.times["session", budget],
                rates.least_ms(self.work["ours", budget]),
            )
            rows.append(
                {
                    "threads": self.threads,
                    "windows": self.windows["ours", budget],
                    "budget": budget,
                    "ms": session.ms,
                    "best_ms": session.best_ms,
                    "macs": self.work["ours", budget].macs,
                    "least_ms": least,
                    "over_least": ratio(session.wall, [least] * len(session.wall)),
                }
            )
        return rows


def compare(
    model: Path,
    extractors: dict[int, fp.Extractor],
    paper: PaperPipeline,
    threads: int | None,
    *,
    pixels: int,
    rounds: int,
) -> Measured:
    """Round by round: both pipelines, our session, and on a CPU the kernels of its rates.

    Args:
        extractors: by budget of windows.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    image = make_image(pixels, 0)
    crops = {budget: windows(image, budget=budget) for budget in BUDGETS}
    theirs = {per_axis: len(windows(image, per_axis)) for _, per_axis in SETTINGS}
    calls: dict[Any, Callable[[], object]] = {}
    for per_axis in theirs:
        calls["paper", per_axis] = lambda n=per_axis: paper.embed(image, n)
    for budget, extractor in extractors.items():
        _check(extractor, image, len(crops[budget]))
        calls["ours", budget] = lambda e=extractor: e.embed(image)
        calls["session", budget] = lambda e=extractor, x=crops[budget]: e.embed_windows(x)
    counts = {("paper", n): count for n, count in theirs.items()}
    work = {key: sum(paper.work(n).values(), Work()) for key, n in counts.items()}
    for budget, x in crops.items():
        for side in ("ours", "session"):
            counts[side, budget] = len(x)
            work[side, budget] = sum(model_work(model, len(x)).values(), Work())
    of_rates: set[Any] = set()
    with ThreadPoolExecutor(threads or 1) as pool:
        if threads is not None:
            shapes = dict.fromkeys((*PAPERS, *largest(model, _WINDOWS_A_KERNEL)))
            timed = kernels(shapes, threads, pool)
            of_rates = set(timed)
            calls |= timed
        times = in_turn(calls, rounds=rounds)
    rates = {key: times[key].best_ms for key in times if key in of_rates}
    return Measured(
        threads,
        pixels,
        {key: each for key, each in times.items() if key not in of_rates},
        counts,
        work,
        rate_rows(rates, threads or 1),
    )


def _check(extractor: fp.Extractor, image: Pixels, expected: int) -> None:
    """The image is to cost what it says: no window of it may be left out."""
    (quality,) = extractor.embed_many([image]).quality
    if quality.windows != expected:
        raise RuntimeError(f"{quality.windows} windows of {expected} count")
