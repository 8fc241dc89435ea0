"""The page of an explanation: one file that loads nothing."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.explanation.words import percent, summary
from fingerprint_sdk.files import write_bytes

if TYPE_CHECKING:
    from fingerprint_sdk.explanation.view import ImageView
    from fingerprint_sdk.verification import Verification

_STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; background: #fff; color: #1f2328;
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
.verdict { border-left: .4rem solid #57606a; background: #f6f8fa; padding: .6rem 1rem; }
.verdict.same { border-color: #1a7f37; } .verdict.different { border-color: #cf222e; }
.verdict.uncertain { border-color: #bf8700; }
.verdict p { margin: .3rem 0; } .verdict p:first-child { font-weight: 600; font-size: 1.1rem; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
  gap: 1.5rem; align-items: start; }
figure { margin: .5rem 0; } figure img { max-width: 100%; height: auto; }
figcaption, .how, footer { color: #57606a; font-size: .9rem; }
figcaption { overflow-wrap: anywhere; } .how { max-width: 50rem; margin: .25rem 0; }
footer { margin-top: 2rem; border-top: 1px solid #d0d7de; padding-top: .5rem; }
"""

_HOW = {
    "windows": (
        "Where the fingerprint is",
        "The fingerprint of an image is the mean over its windows of 128 by 128 pixels. The "
        "number is the cosine of each window's fingerprint with that mean. A place that disagrees "
        "may be flat, overexposed or edited.",
    ),
    "residual": (
        "What is left without the content",
        "The window in the middle, enlarged, {residual}. Grey is zero; each image is amplified "
        "by itself.",
    ),
    "spectrum": (
        "Its frequencies",
        "Log power of the residual's discrete Fourier transform, mean over all windows, zero "
        "frequency in the middle. Isolated bright points or a lattice of them come from the "
        "upsampling layers of a generator, or from the 8 by 8 blocks of JPEG.",
    ),
    "profile": (
        "The same, integrated over the angle",
        "Azimuthal integration of that power: how the power is spread over the frequencies, "
        "whatever the direction. Each curve is shifted to mean zero: the shape matters.",
    ),
    "neighbours": (
        "The nearest known generators",
        "Scores of the nearest gallery entries. Coloured bars reach their threshold, grey ones do "
        "not.",
    ),
}
_RESIDUAL = {
    True: "as the extractor's own denoiser leaves it",
    False: "minus its blur by a 3 by 3 binomial kernel (the extractor's own residual is similar, "
    "but stays inside the model)",
}


def page(
    views: Sequence[ImageView],
    verification: Verification | None,
    model: str,
    pictures: Mapping[str, bytes],
) -> str:
    """See ``Explanation.html``."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Nothing may be loaded, whatever a file's name contains.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>Fingerprint explanation</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_title(views)}</h1>\n{_verdict(views, verification)}"
        f"{sections(views, pictures)}"
        f"<footer>Model {text(model)}. A score is evidence about the generator, with "
        "the error rate stated; it is no proof.</footer>\n</body>\n</html>\n"
    )


def sections(views: Sequence[ImageView], pictures: Mapping[str, bytes]) -> str:
    """The pictures, each kind under its heading and with how to read it, for any page."""
    parts = []
    for kind, (title, how) in _HOW.items():
        shown = [name for name in pictures if name.split("-")[-1] == kind]
        if not shown:
            continue
        how = how.format(residual=_RESIDUAL[views[0].network_residual])
        figures = "".join(_figure(views, name, title, pictures[name]) for name in shown)
        parts.append(
            f'<h2>{escape(title)}</h2>\n<p class="how">{escape(how)}</p>\n'
            f'<div class="row">{figures}</div>\n'
        )
    return "".join(parts)


def save(page: str, pictures: Mapping[str, bytes], path: Path) -> tuple[Path, ...]:
    """See ``Explanation.save``."""
    content = {path: page.encode()}
    if path.suffix.lower() not in (".html", ".htm"):
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise FingerprintError(f"cannot make the folder {str(path)!r}: {error}") from error
        content = {path / f"{name}.png": png for name, png in pictures.items()}
        content[path / "index.html"] = page.encode()
    for file, data in content.items():
        try:
            write_bytes(file, data)
        except OSError as error:
            name = os.path.realpath(file)
            raise FingerprintError(f"cannot write {name!r}: {error.strerror}") from error
    return tuple(content)


def _title(views: Sequence[ImageView]) -> str:
    return " and ".join(text(view.name) for view in views)


def _verdict(views: Sequence[ImageView], result: Verification | None) -> str:
    kind = ""
    if result is not None:
        kind = "uncertain" if result.uncertain else "same" if result.same else "different"
    said = "".join(f"<p>{text(sentence)}</p>" for sentence in summary(views, result))
    return f'<div class="verdict {kind}">{said}</div>\n'


def _figure(views: Sequence[ImageView], name: str, title: str, png: bytes) -> str:
    caption, alt = "", title
    if name[0].isdigit():
        view = views[int(name[0]) - 1]
        caption = f"<figcaption>{_caption(views, name)}</figcaption>"
        alt = f"{title}: {view.name}"
    data = base64.b64encode(png).decode()
    return (
        f'<figure>{caption}<img alt="{text(alt)}" src="data:image/png;base64,{data}"></figure>\n'
    )


def _caption(views: Sequence[ImageView], name: str) -> str:
    view = views[int(name[0]) - 1]
    known = view.identification
    if name.endswith("neighbours") and known is not None:
        facts = f"thresholds at a false match rate of {percent(known.fmr)}"
    else:
        facts = f"{view.quality.width} by {view.quality.height} pixels"
        if view.quality.format is not None:
            facts += f", {view.quality.format}"
        if view.quality.jpeg_quality is not None:
            facts += f" quality {view.quality.jpeg_quality}"
    start = f"Image {name[0]}: " if len(views) > 1 else ""
    return text(f"{start}{view.name}, {facts}")


def text(value: str) -> str:
    """Escaped, and without the lone surrogates of file names that are no text."""
    return escape(value.encode("utf-8", "backslashreplace").decode())
