"""Parts of the web page around the results."""

from __future__ import annotations

from collections.abc import Iterable

from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.web.uploads import UploadLimit


def header() -> str:
    """The top of the page."""
    return (
        "<header class='fp-header'><h1>Fingerprint</h1><p>Which generative model made this image? "
        "The answer is evidence with a stated error rate, not proof.</p></header>"
    )


def footer(model: Extractor, limit: UploadLimit) -> str:
    """The bottom of the page: the model, and what happens to uploads."""
    return (
        f"<footer class='fp-footer'>Model {text(model.name)} {text(model.version)}. Files of at "
        f"most {limit.megabytes:g} MB each; they stay on the machine that serves this page and "
        "are deleted from it within two hours.</footer>"
    )


def notice(message: str, kind: str = "problem") -> str:
    """A sentence about what went wrong ("problem"), what happened ("done"), or "hint"."""
    role = "alert" if kind == "problem" else "status"
    return f'<div class="fp-notice fp-{kind}" role="{role}">{text(_sentence(message))}</div>'


def gallery_list(entries: Iterable[tuple[str, Entry]], origin: str) -> str:
    """The gallery in use, and where it came from."""
    entries = list(entries)
    if not entries:
        return notice("The gallery is empty. Enroll generators, or open a gallery file.", "hint")
    chips = "".join(
        f"<li>{text(name)} <span>{len(entry.embeddings)}</span></li>" for name, entry in entries
    )
    count = f"{len(entries)} generator" + ("s" if len(entries) > 1 else "")
    return (
        f"<section class='fp-gallery'><p>Gallery in use: <b>{count}</b>, {text(origin)}. The "
        f"number is that of enrolled images.</p><ul>{chips}</ul></section>"
    )


def _sentence(message: str) -> str:
    """An error's message as a sentence."""
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "!", "?", "”")) else message + "."
