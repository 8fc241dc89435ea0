"""The tabs of the web page: what is asked for, and where the answers go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.web.actions import Actions, Session
from fingerprint_sdk.web.controls import files, fmr_choice, fpir_choice, intro, opener, part
from fingerprint_sdk.web.html import notice

# Private: without this, every handler would be an endpoint of a public API as well.
_EVENT = {"api_visibility": "private", "show_progress": "minimal"}


@dataclass(frozen=True)
class GalleryParts:
    """Parts of a tab that follow the gallery in use.

    Attributes:
        listing: shows it.
        changed: events after which it may be another one.
        names: its entries, to choose from; None where the tab has no such choice.
        download: gives it as a file; None likewise.
    """

    listing: Any
    changed: tuple[Any, ...]
    names: Any = None
    download: Any = None


def verify_tab(gr: Any, actions: Actions) -> None:
    """Were two images, or two sets, made by the same generator?"""
    intro(gr, "Were two images made by the same generator? More images a side decide better.")
    with gr.Row():
        a = files(gr, "Side A", "verify-a")
        b = files(gr, "Side B", "verify-b")
    fmr = fmr_choice(gr, actions)
    button = gr.Button("Compare", variant="primary", elem_id="verify-run")
    result = part(gr, "verify-result")
    button.click(_guarded(gr, actions.verify), [a, b, fmr], result, **_EVENT)


def identify_tab(gr: Any, actions: Actions, session: Any) -> GalleryParts:
    """Which enrolled generator made the images, if any?"""
    intro(gr, "Which of the enrolled generators made these images, if any?")
    listing = part(gr, "identify-gallery")
    opened = opener(gr, "identify-open")
    images = files(gr, "Images to identify", "identify-images")
    together = gr.Checkbox(
        label="All images are by one generator", info="Judged together, they decide better."
    )
    fpir = fpir_choice(gr, actions)
    button = gr.Button("Identify", variant="primary", elem_id="identify-run")
    result = part(gr, "identify-result")
    button.click(
        _guarded(gr, actions.identify), [images, together, fpir, session], result, **_EVENT
    )
    change = opened.upload(
        _guarded(gr, actions.open_gallery, 1), opened, [result, session], **_EVENT
    )
    return GalleryParts(listing, (change,))


def enroll_tab(gr: Any, actions: Actions, session: Any) -> GalleryParts:
    """Build a gallery and take it away as a file."""
    intro(
        gr,
        "Build a gallery of known generators, from some images of each. It is yours alone: "
        "download it to keep it.",
    )
    listing = part(gr, "enroll-gallery")
    with gr.Row():
        opened = opener(gr, "enroll-open")
        download = gr.DownloadButton(
            "Download the gallery", interactive=False, size="sm", elem_id="enroll-download"
        )
    name = gr.Textbox(label="Generator", max_lines=1, max_length=200, elem_id="enroll-name")
    images = files(gr, "Its images", "enroll-images")
    add = gr.Button("Enroll", variant="primary", elem_id="enroll-run")
    result = part(gr, "enroll-result")
    with gr.Accordion("Remove a generator", open=False):
        names = gr.Dropdown(label="Generator to remove", choices=[], elem_id="enroll-names")
        remove = gr.Button("Remove", elem_id="enroll-remove")

    def enroll_and_clear(*arguments: Any) -> tuple[Any, ...]:
        # Cleared, so that the next generator does not get these images by mistake.
        return (*actions.enroll(*arguments), "", None)

    enroll = _guarded(gr, enroll_and_clear, 3)
    changes = (
        opened.upload(_guarded(gr, actions.open_gallery, 1), opened, [result, session], **_EVENT),
        add.click(enroll, [name, images, session], [result, session, name, images], **_EVENT),
        remove.click(
            _guarded(gr, actions.remove, 1), [names, session], [result, session], **_EVENT
        ),
    )
    return GalleryParts(listing, changes, names, download)


def explain_tab(gr: Any, actions: Actions, session: Any) -> None:
    """Show what a decision rests on."""
    intro(gr, "See what the fingerprint of an image is taken from, and what a decision rests on.")
    with gr.Row():
        image = gr.File(label="Image", height=170, min_width=300, elem_id="explain-image")
        other = gr.File(
            label="Second image, to compare (optional)",
            height=170,
            min_width=300,
            elem_id="explain-other",
        )
    compare = gr.Checkbox(label="Show the nearest generators of the gallery in use", value=True)
    with gr.Row():
        fmr = fmr_choice(gr, actions)
        fpir = fpir_choice(gr, actions)
    button = gr.Button("Explain", variant="primary", elem_id="explain-run")
    result = part(gr, "explain-result")
    page = gr.DownloadButton(
        "Download as one page", interactive=False, size="sm", elem_id="explain-download"
    )
    explain = _guarded(gr, actions.explain, 1)

    def run(*arguments: Any) -> tuple[Any, Any]:
        shown, path = explain(*arguments)
        return shown, gr.DownloadButton(
            value=path if isinstance(path, str) else None, interactive=isinstance(path, str)
        )

    button.click(run, [image, other, fmr, compare, fpir, session], [result, page], **_EVENT)


def keep_galleries_shown(
    gr: Any, actions: Actions, session: Any, blocks: Any, *tabs: GalleryParts
) -> None:
    """Show the gallery in use on every tab: at first, and after every change."""
    names = next(tab.names for tab in tabs if tab.names is not None)
    download = next(tab.download for tab in tabs if tab.download is not None)
    listings = [tab.listing for tab in tabs]

    def refresh(current: Session | None) -> list[Any]:
        shown = actions.listing(current)
        path = actions.download(current)
        return [
            *[shown for _ in listings],
            gr.Dropdown(choices=actions.names(current), value=None),
            gr.DownloadButton(value=path, interactive=path is not None),
        ]

    outputs = [*listings, names, download]
    blocks.load(refresh, session, outputs, **_EVENT)
    for tab in tabs:
        for change in tab.changed:
            change.then(refresh, session, outputs, **_EVENT)


def _guarded(gr: Any, action: Callable[..., Any], others: int = 0) -> Callable[..., Any]:
    """``action``, its errors shown in place of its result and ``others`` left as they are."""

    def run(*arguments: Any) -> Any:
        try:
            return action(*arguments)
        except FingerprintError as error:
            shown = str(notice(str(error)))
            return (shown, *[gr.skip() for _ in range(others)]) if others else shown

    return run
