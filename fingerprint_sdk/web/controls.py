"""Parts that several tabs of the web page share."""

from __future__ import annotations

from typing import Any

from fingerprint_sdk.markup import render
from fingerprint_sdk.web.actions import Actions

_FMR_HELP = (
    "How many comparisons of different generators may wrongly be called the same. The fewer, the "
    "more answers are inconclusive."
)
_FPIR_HELP = (
    "How many probes by generators outside the gallery may wrongly be named. The fewer, the more "
    "answers are inconclusive."
)


def intro(gr: Any, words: str) -> None:
    """What a tab is for."""
    part(gr, None, str(render("web/parts/intro.html", words=words)))


def part(gr: Any, name: str | None, value: str = "") -> Any:
    """A part of the page that actions fill."""
    return gr.HTML(value, elem_id=name, apply_default_css=False)


def opener(gr: Any, name: str) -> Any:
    """The button that takes a gallery file."""
    return gr.UploadButton(
        "Open a gallery file (.fpg)", file_types=[".fpg"], size="sm", elem_id=name
    )


def files(gr: Any, label: str, name: str) -> Any:
    """A field that takes images."""
    # Files, not Gradio's images: those would be decoded and encoded again, which changes them.
    return gr.File(label=label, file_count="multiple", height=170, min_width=300, elem_id=name)


def fmr_choice(gr: Any, actions: Actions) -> Any:
    """The rate to verify at."""
    return _rate(gr, actions, "False match rate", _FMR_HELP, "comparisons")


def fpir_choice(gr: Any, actions: Actions) -> Any:
    """The rate to identify at."""
    return _rate(gr, actions, "False positive identification rate", _FPIR_HELP, "probes")


def _rate(gr: Any, actions: Actions, label: str, info: str, of: str) -> Any:
    return gr.Dropdown(
        label=label,
        info=info,
        choices=actions.rates(of),
        value=actions.extractor.calibration.default_fmr,
        filterable=False,
    )
