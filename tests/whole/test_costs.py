"""What large jobs would take: the page shows what the command prints, and its numbers exist."""

from __future__ import annotations

import re

import pytest
from support.paths import ROOT

pytest.importorskip("numpy")
from benchmarks.costs import assumptions, machines, seconds, tables

PAGE = (ROOT / "docs" / "costs.md").read_text()


def test_the_page_shows_what_the_command_prints() -> None:
    [shown] = re.findall(
        r"<!-- python -m benchmarks.costs -->\n\n(.*?)\n\n<!-- end -->", PAGE, re.S
    )
    assert shown == tables()


def test_numbers_that_texts_state_are_stated_there() -> None:
    training = " ".join((ROOT / "docs" / "training.md").read_text().split())
    quality = " ".join((ROOT / "benchmarks" / "quality" / "README.md").read_text().split())
    assert "80 steps take 2.6 s of one core a model" in training
    assert "batches of 16 × 4, 150 steps in 38 minutes" in quality
    assert "the paper's batches of 50 × 4, 2,850 steps in 161 s" in quality
    known = assumptions()
    assert known["synthesis"].value == 2.6
    assert known["steps on cores"].value == pytest.approx(150 * 64 / (2 * 38 * 60))
    assert known["steps on a GPU"].value == pytest.approx(2850 * 200 / 161)


def test_what_nobody_measured_is_called_assumed() -> None:
    for name, one in assumptions().items():
        [line] = [line for line in tables().splitlines() if line.startswith(f"| {name} |")]
        assert ("**assumed**" in line) == (not one.measured)
        measured = ("docs/", "benchmarks/")
        assert one.source.startswith(measured) == one.measured
        if one.measured:
            assert (ROOT / one.source.split(",")[0]).is_file()


def test_the_jobs_add_up() -> None:
    known = assumptions()
    by_name = {on.name: seconds(on, known) for on in machines(known)}
    two, many = by_name["2 cores"], by_name["64 cores"]
    assert two["5,760 synthetic models"] == pytest.approx(5760 * 2.6 / 2)
    share = known["share of 64 cores"].value
    for job in list(two)[:3]:
        assert two[job] == pytest.approx(32 * share * many[job])
    # Cores beside a GPU decode no faster than cores do.
    images = 50_000_000 / by_name["1 GPU"]["50,000,000 embeddings"]
    decoding = 1e3 * known["cores of a GPU"].value / known["decoding"].value
    assert images <= decoding + 1e-6
