"""The page of an explanation: one file that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.explanation.declarations import CAUTION, DECLARES, declaration_lines
from fingerprint_sdk.explanation.sentences import kind as kind_of
from fingerprint_sdk.explanation.sentences import percent
from fingerprint_sdk.explanation.words import summary
from fingerprint_sdk.files import delivering, writing
from fingerprint_sdk.markup import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from fingerprint_sdk.explanation.view import ImageView
    from fingerprint_sdk.verification import Verification

_HOW = {
    "windows": (
        "Where the fingerprint is",
        "The fingerprint of an image is the mean over its windows of 128 by 128 pixels. The "
        "number is the cosine of each window's fingerprint with that mean. A place that disagrees "
        "may be flat, overexposed or edited.",
    ),
    "residual": (
        "What is left without the content",
        "The window in the middle, enlarged, minus its blur by a 3 by 3 binomial kernel (the "
        "extractor's own residual is similar, but stays inside the model). Grey is zero; each "
        "image is amplified by itself.",
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
        "Scores of the nearest gallery entries. The black marks belong to the first: below the "
        "left one the answer is none of these, from the right one it is named, in colour.",
    ),
}


def page(
    views: Sequence[ImageView],
    verification: Verification | None,
    model: str,
    pictures: Mapping[str, bytes],
    private: bool = False,
) -> str:
    """See ``Explanation.html``."""
    # The page's own policy lets nothing be loaded, whatever a file's name contains.
    made = render(
        "explanation/page.html",
        title=" and ".join(view.name for view in views),
        kind="" if verification is None else kind_of(verification),
        summary=summary(views, verification),
        declared=_declared(views, private),
        caution=CAUTION,
        sections=sections(views, pictures),
        model=model,
    )
    return str(made)  # whatever is done with the parts of Markup escapes them again


def sections(views: Sequence[ImageView], pictures: Mapping[str, bytes]) -> Markup:
    """The pictures, each kind under its heading and with how to read it, for any page."""
    found = []
    for kind, (title, how) in _HOW.items():
        shown = [name for name in pictures if name.split("-")[-1] == kind]
        if shown:
            figures = [_figure(views, name, title, pictures[name]) for name in shown]
            found.append({"title": title, "how": how, "figures": figures})
    return render("explanation/sections.html", sections=found)


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
        with writing(file), delivering(file) as out:
            out.write(data)
    return tuple(content)


def _declared(views: Sequence[ImageView], private: bool) -> list[dict[str, object]]:
    """What each file says of itself, in a box of its own; none of a file that says nothing."""
    found: list[dict[str, object]] = []
    for place, view in enumerate(views, 1):
        if view.declaration:
            title = f"{DECLARES[:-1]}: image {place}" if len(views) > 1 else DECLARES[:-1]
            lines = declaration_lines(view.declaration, view.fit, private)
            found.append({"title": title, "lines": lines})
    return found


def _figure(views: Sequence[ImageView], name: str, title: str, png: bytes) -> dict[str, str]:
    caption, alt = "", title
    if name[0].isdigit():
        caption = _caption(views, name)
        alt = f"{title}: {views[int(name[0]) - 1].name}"
    return {"caption": caption, "alt": alt, "data": base64.b64encode(png).decode()}


def _caption(views: Sequence[ImageView], name: str) -> str:
    view = views[int(name[0]) - 1]
    known = view.identification
    if name.endswith("neighbours") and known is not None:
        facts = f"at a false positive identification rate of {percent(known.fpir)}"
    else:
        facts = f"{view.quality.width} by {view.quality.height} pixels"
        if view.quality.format is not None:
            facts += f", {view.quality.format}"
        if view.quality.jpeg_quality is not None:
            facts += f" quality {view.quality.jpeg_quality}"
    start = f"Image {name[0]}: " if len(views) > 1 else ""
    return f"{start}{view.name}, {facts}"
