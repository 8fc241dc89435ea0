"""See why: what a fingerprint is taken from, and what a decision rests on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerprint_sdk._default import default_extractor
from fingerprint_sdk.explanation.declarations import agreement_with, declared_by, families_of
from fingerprint_sdk.explanation.measure import check_shape, view_of
from fingerprint_sdk.explanation.view import ImageView
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.images import load_image
from fingerprint_sdk.verification import Verification

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery
    from fingerprint_sdk.images import ImageInput

_NEIGHBOURS = 8


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one image, or a pair, is judged as it is.

    Attributes:
        images: one view, or two.
        verification: of the pair; None for one image.
        model: name and version of the extractor.
    """

    images: tuple[ImageView, ...]
    verification: Verification | None
    model: str

    @property
    def summary(self) -> tuple[str, ...]:
        """The verdict in words, with what it rests on and its error rates."""
        from fingerprint_sdk.explanation.words import summary

        return summary(self.images, self.verification)

    def to_dict(self, private: bool = False) -> dict[str, Any]:
        """Plain values, ready for JSON; the pictures are left out.

        Args:
            private: with prompts and names of people that the files declare.
        """
        return {
            "model": self.model,
            "summary": list(self.summary),
            "images": [view.to_dict(private) for view in self.images],
            "verification": None if self.verification is None else self.verification.to_dict(),
        }

    def pictures(self) -> dict[str, bytes]:
        """The pictures, PNG files by name: "1-windows", "1-residual", "1-spectrum", "profile"...

        Raises:
            FingerprintError: matplotlib is not installed (extra ``plots``).
        """
        from fingerprint_sdk.explanation.plots import pictures

        return pictures(self.images)

    def html(self, private: bool = False) -> str:
        """One page with everything in it: it loads nothing from anywhere.

        Args:
            private: with prompts and names of people that the files declare.

        Raises:
            FingerprintError: matplotlib is not installed (extra ``plots``).
        """
        from fingerprint_sdk.explanation.page import page

        return page(self.images, self.verification, self.model, self.pictures(), private)

    def save(self, path: str | os.PathLike[str], private: bool = False) -> tuple[Path, ...]:
        """Write one page if ``path`` ends in .html, else a folder of PNG files and the page.

        Args:
            path: of the page or the folder.
            private: see ``html``.

        Returns:
            The files written, the page last.

        Raises:
            FingerprintError: a file cannot be written, or matplotlib is not installed.
        """
        from fingerprint_sdk.explanation.page import page, save

        pictures = self.pictures()
        written = page(self.images, self.verification, self.model, pictures, private)
        return save(written, pictures, Path(path))


def explain(
    image: ImageInput,
    other: ImageInput | None = None,
    gallery: Gallery | None = None,
    *,
    model: Extractor | None = None,
    fmr: float | None = None,
    fnmr: float | None = None,
    fpir: float | None = None,
    fnir: float | None = None,
    prior: float = 0.5,
) -> Explanation:
    """Show what the fingerprint of an image is taken from, and what a decision rests on.

    Args:
        image: the image.
        other: a second one to verify it against.
        gallery: known models to compare with.
        model: the extractor; None for the gallery's, or else the default model.
        fmr, fnmr: rates to verify a pair at, see ``Extractor.verify``.
        fpir, fnir: rates to look into the gallery at, see ``Extractor.identify``.
        prior: of either, between 0 and 1.

    Raises:
        ImageError: an image cannot be used.
        GalleryError: the gallery is empty or belongs to another model.
        OperatingPointError: a rate lies outside the calibrated range, or ``prior`` is none.
    """
    if model is None:
        model = default_extractor() if gallery is None else gallery.extractor
    if gallery is not None:
        gallery.check_model(model)
    sources = [image] if other is None else [image, other]
    loaded = [load_image(source) for source in sources]
    for one in loaded:
        check_shape(one)
    embeddings, quality = model.embed_with_quality(loaded)
    found: list[Identification | None] = [None] * len(loaded)
    if gallery is not None:
        found = [
            gallery.search(
                row[None],
                model.calibration,
                quality=(one,),
                fpir=fpir,
                fnir=fnir,
                prior=prior,
                top=_NEIGHBOURS,
            )
            for row, one in zip(embeddings, quality, strict=True)
        ]
    families = {} if gallery is None else families_of(gallery)
    views = tuple(
        _with_declaration(view_of(one, model, known, identification), source, families)
        for one, known, identification, source in zip(loaded, quality, found, sources, strict=True)
    )
    verification = None
    if len(loaded) == 2:
        verification = model.verify(*loaded, fmr=fmr, fnmr=fnmr, prior=prior)
    return Explanation(views, verification, f"{model.name} {model.version}")


def _with_declaration(
    view: ImageView, source: ImageInput, families: Mapping[str, Sequence[str]]
) -> ImageView:
    declaration = declared_by(source)
    fit = agreement_with(declaration, view.identification, families)
    return replace(view, declaration=declaration, fit=fit)
