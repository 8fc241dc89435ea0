"""The page of a check: one file that loads nothing. Names in it are escaped."""

from __future__ import annotations

from fingerprint_sdk.gallery.check.picture import picture
from fingerprint_sdk.gallery.check.result import GalleryCheck
from fingerprint_sdk.markup import render


def page(check: GalleryCheck, title: str) -> str:
    """HTML, with the picture of how like the entries are.

    Args:
        check: of the gallery.
        title: what to call the gallery, e.g. the name of its file.
    """
    made = render(
        "gallery/check/page.html",
        check=check,
        title=title,
        kind="inconclusive" if check.findings else "same",
        picture=picture(check.confusion),
        fpir=f"{100 * check.fpir:g} %",
    )
    return str(made)  # whatever is done with the parts of Markup escapes them again
