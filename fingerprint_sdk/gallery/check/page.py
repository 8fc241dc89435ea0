"""The page of a check: one file that loads nothing. Names in it are escaped."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from string import Template

from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.gallery.check.picture import picture
from fingerprint_sdk.gallery.check.result import EntryCheck, GalleryCheck


def page(check: GalleryCheck, title: str) -> str:
    """HTML, with the picture of how like the entries are.

    Args:
        check: of the gallery.
        title: what to call the gallery, e.g. the name of its file.
    """
    shown, entries = len(check.confusion.names), len(check.entries)
    said = "".join(f"<p>{text(sentence)}</p>\n" for sentence in check.summary)
    return Template(_read(__package__, "page.html")).substitute(
        style=_read("fingerprint_sdk.explanation", "page.css") + _read(__package__, "page.css"),
        title=text(title),
        kind="inconclusive" if check.findings else "same",
        summary=said,
        findings=_list(check.findings),
        shown=f" Shown are the {shown} entries most like another one." if shown < entries else "",
        picture=picture(check.confusion),
        fpir=f"{100 * check.fpir:g} %",
        rows="".join(_row(entry) for entry in check.entries),
        model=text(check.model),
    )


def _list(findings: Iterable[str]) -> str:
    items = "".join(f"<li>{text(sentence)}</li>\n" for sentence in findings)
    return f'<h2>What looks wrong</h2>\n<ul class="findings">\n{items}</ul>\n' if items else ""


def _row(entry: EntryCheck) -> str:
    numbers = (f"{entry.images:,}", *entry.rates.percents)
    cells = "".join(f"<td>{cell}</td>" for cell in numbers)
    return (
        f'<tr><td>{text(entry.name)}</td>{cells}<td class="text">{text(entry.words)}</td></tr>\n'
    )


def _read(package: str | None, name: str) -> str:
    return files(str(package)).joinpath(name).read_text(encoding="utf-8")
