"""Parts of the web page around the results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.markup import render
from fingerprint_sdk.web.uploads import UploadLimit

if TYPE_CHECKING:
    from markupsafe import Markup


def header() -> Markup:
    """The top of the page."""
    return render("web/parts/header.html")


def footer(model: Extractor, limit: UploadLimit) -> Markup:
    """The bottom of the page: the model, and what happens to uploads."""
    return render("web/parts/footer.html", model=model, megabytes=f"{limit.megabytes:g}")


def notice(message: str, kind: str = "problem") -> Markup:
    """A sentence about what went wrong ("problem"), what happened ("done"), or "hint"."""
    role = "alert" if kind == "problem" else "status"
    return render("web/parts/notice.html", kind=kind, role=role, sentence=_sentence(message))


def gallery_list(entries: Iterable[tuple[str, Entry]], origin: str) -> Markup:
    """The gallery in use, and where it came from."""
    entries = list(entries)
    if not entries:
        return notice("The gallery is empty. Enroll generators, or open a gallery file.", "hint")
    count = f"{len(entries)} generator" + ("s" if len(entries) > 1 else "")
    return render("web/parts/gallery.html", entries=entries, count=count, origin=origin)


def _sentence(message: str) -> str:
    """An error's message as a sentence."""
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "!", "?", "”")) else message + "."
