"""What progress is told, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rich")

from trainer.progress import bars, part_of


def test_a_part_counts_in_its_stage() -> None:
    told: list[tuple[Any, ...]] = []

    def progress(stage: str, done: int, total: int, /, **numbers: float) -> None:
        told.append((stage, done, total, numbers))

    part_of(progress, "all", 20, 100)("second part", 3, 10, loss=0.5)
    part_of(progress, "renamed")("as it is", 3, 10)
    assert told == [("all", 23, 100, {"loss": 0.5}), ("renamed", 3, 10, {})]


def test_each_stage_has_a_bar_with_its_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    with bars() as progress:
        progress("first", 1, 4)
        progress("second", 2, 2, auc=0.98765)
        progress("first", 4, 4)
    shown = capfd.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if line.strip()]
    assert len(lines) == 2
    for line, texts in zip(
        lines, (("first", "4/4"), ("second", "2/2", "auc 0.9877")), strict=True
    ):
        assert all(text in line for text in texts), line
