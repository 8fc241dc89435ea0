"""docs/method.md says what the code does: its files exist, its links lead there, its numbers hold.

A row of a table of numbers ends in where the number stands: `photos.MIN_SHRINK`, a name in the
file `photos.py` that its section names; `rendering.RenderRecipe.images`, the default of a recipe;
`spectra.LogSpectrum(pool)`, the default of a parameter.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from support.paths import ROOT

from trainer.denoiser import DenoiserRecipe, Student
from trainer.signal import CompactSignal

PAGE = (ROOT / "docs/method.md").read_text()
PATH = re.compile(r"`((?:trainer|fingerprint_sdk|scripts|tests|benchmarks)/[\w/.-]*)`")
ROW = re.compile(r"^\| (?P<number>.+) \| (?P<value>.+) \| `(?P<where>\w+\.[\w.()]+)` \|$", re.M)
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:[./]\d+)?")


def rows() -> list[Any]:
    """(files of the section, value, where) of each number."""
    return [
        pytest.param(PATH.findall(section), row["value"], row["where"], id=row["where"])
        for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)
        for row in ROW.finditer(section)
    ]


def numbers(value: Any) -> Iterator[float]:
    """All numbers of a text or of nested tuples, in their order."""
    if isinstance(value, str):
        yield from (float(Fraction(found.replace(",", ""))) for found in NUMBER.findall(value))
    elif isinstance(value, tuple):
        for part in value:
            yield from numbers(part)
    else:
        yield float(value)


def find(files: list[str], where: str) -> Any:
    stem, _, name = where.partition(".")
    (path,) = {file for file in files if file.endswith(f"/{stem}.py")}
    found: Any = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    name, _, parameter = name.rstrip(")").partition("(")
    for part in name.split("."):
        found = getattr(found, part)
    return inspect.signature(found).parameters[parameter].default if parameter else found


@pytest.mark.parametrize(("files", "value", "where"), rows())
def test_a_number_is_the_codes(files: list[str], value: str, where: str) -> None:
    assert list(numbers(value)) == pytest.approx(list(numbers(find(files, where))), abs=0)


def test_every_table_of_numbers_is_read() -> None:
    tables = PAGE.split("| number | value | where |\n|---|---|---|\n")[1:]
    lines = [line for table in tables for line in table.partition("\n\n")[0].splitlines()]
    assert len(lines) == len(rows()) > 80


def test_the_parts_of_the_signal_are_the_codes() -> None:
    recipe = DenoiserRecipe()
    signal = CompactSignal(Student(recipe.student_depth, recipe.student_width))
    found = re.findall(r"^\| `(\w+)` \| ([\d×]+) \| ([\d,]+) \|", PAGE, re.MULTILINE)
    shapes = {name: tuple(map(int, shape.split("×"))) for name, shape, _ in found}
    assert list(shapes.items()) == list(signal.parts.items())
    counts = [int(count.replace(",", "")) for _, _, count in found]
    assert counts == [a * b * c for a, b, c in shapes.values()]
    assert signal.shape == (sum(counts),)
    assert f"| all | | {sum(counts):,} |" in PAGE


def test_the_pools_are_those_of_the_one_command() -> None:
    script = (ROOT / "scripts/train-compact").read_text()
    made = re.findall(r"extended:(\d+) --seeds (\d+) --steps (\d+)", script)
    assert len(made) == 2
    for architectures, seeds, steps in made:
        descent = f"with {steps} steps" if int(steps) else "without descent"
        pattern = rf"{architectures}[\w ]+ × {seeds} seeds\s+{descent}"
        assert re.search(pattern, PAGE), pattern
    (models,) = re.findall(r"--models (\d+)", script)
    assert f"(`scripts/train-compact`: {models})" in PAGE


def test_every_file_exists() -> None:
    named = PATH.findall(PAGE)
    assert len(named) > 60
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_file_of_the_method_is_named() -> None:
    """A newcomer finds each file of the method on the page.

    But for those that only keep files, or share out work.
    """
    keeping = {"__init__.py", "shards.py", "source.py", "saved.py", "run.py", "log.py"}
    keeping |= {"making.py", "preparation.py", "processes.py"}  # who does it: docs/scale.md
    folders = (
        *("images", "synthesis", "denoiser", "signal", "extractor", "calibration"),
        "evaluation",
    )
    missing = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in sorted((ROOT / "trainer" / folder).rglob("*.py"))
        if path.name not in keeping and f"`{path.relative_to(ROOT).as_posix()}`" not in PAGE
    ]
    assert missing == []


def test_every_link_to_the_page_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    links = {
        (path.relative_to(ROOT).as_posix(), anchor)
        for folder in ("trainer", "fingerprint_sdk", "docs", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md")
        for anchor in re.findall(r"method\.md#([\w-]+)", path.read_text())
    }
    links |= {("docs/method.md", anchor) for anchor in re.findall(r"\]\(#([\w-]+)\)", PAGE)}
    assert len(links) > 15
    assert {link for link in links if link[1] not in anchors} == set()
