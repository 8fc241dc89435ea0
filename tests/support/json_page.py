"""What docs/json.md says of the JSON documents, and how a document differs from that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from support.paths import ROOT

PAGE = ROOT / "docs/json.md"
ROW = re.compile(r"^\| (?P<names>.+?) \| (?P<type>.+?) \| (?P<meaning>.*) \|$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(#([\w-]+)\)")
PLAIN = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "list": list,
}


@dataclass(frozen=True)
class Field:
    """A row of a table; of `section` the fields of the objects that it holds, if any."""

    home: str
    name: str
    type: str
    section: str | None
    may_be_absent: bool


def slug(heading: str) -> str:
    return heading.replace("`", "").lower().replace(" ", "-")


@cache
def sections() -> dict[str, tuple[Field, ...]]:
    """By anchor the fields of every section with a table, included ones among them."""
    parts = re.split(r"^#+ (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    texts = {slug(heading): text for heading, text in zip(parts[::2], parts[1::2], strict=True)}
    assert len(texts) == len(parts) // 2, "two headings are the same"

    def fields(home: str) -> Iterator[Field]:
        for row in ROW.finditer(texts[home]):
            link = LINK.search(row["type"])
            if row["names"] == "…":
                yield from fields(link[1])
                continue
            absent = "absent" in row["meaning"]
            for name in re.findall(r"`(\w+)`", row["names"]):
                yield Field(home, name, row["type"], link and link[1], absent)

    found = {home: tuple(fields(home)) for home in texts}
    return {home: rows for home, rows in found.items() if rows}


def check(value: Any, section: str, seen: set[tuple[str, str]]) -> None:
    """Assert that an object has exactly the fields of a section; adds those met to `seen`."""
    known = {field.name: field for field in sections()[section]}
    assert set(value) <= set(known), f"{section}: not in {PAGE.name}: {set(value) - set(known)}"
    for name, field in known.items():
        assert name in value or field.may_be_absent, f"{section}: {name} was not printed"
        if name in value:
            _check_field(value[name], field, seen)


def _check_field(value: Any, field: Field, seen: set[tuple[str, str]]) -> None:
    where, kind = f"{field.home}: {field.name}", field.type
    if kind.startswith("list of "):
        assert isinstance(value, list), where
        kind = kind.removeprefix("list of ")
        if value or field.section is None:
            seen.add((field.home, field.name))
        values = value
    else:
        if value is not None or field.section is None:
            seen.add((field.home, field.name))
        values = [value]
    for one in values:
        if one is None:
            assert re.search(r" or nulls?$", kind), f"{where} is null"
        elif field.section is not None:
            check(one, field.section, seen)
        else:
            word = kind.split()[0].removesuffix("s")
            assert isinstance(one, PLAIN[word]), f"{where} is no {word}: {one!r}"
            assert word == "boolean" or not isinstance(one, bool), where
