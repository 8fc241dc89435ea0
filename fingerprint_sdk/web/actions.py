"""What the buttons of the web page do: uploads in, parts of the page out."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fingerprint_sdk.errors import FingerprintError, GalleryError
from fingerprint_sdk.explanation import explain
from fingerprint_sdk.explanation.page import sections
from fingerprint_sdk.explanation.sentences import one_in
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery import Gallery
from fingerprint_sdk.markup import joined, render
from fingerprint_sdk.web import html, verdict
from fingerprint_sdk.web.uploads import UploadLimit, named

_RATES = (0.1, 0.05, 0.01, 0.001, 0.0001)
_KEEP_SECONDS = 60.0


@dataclass(frozen=True, eq=False)
class Session:
    """The gallery one visitor works with; replaced, never changed.

    Attributes:
        gallery: its entries.
        origin: where it came from, for people.
    """

    gallery: Gallery
    origin: str


class Actions:
    """The page's deeds on one extractor. Safe to use from several threads.

    Args:
        extractor: the model.
        gallery: the server's gallery, which visitors start with and never change.
        limit: of uploads.
    """

    def __init__(
        self,
        extractor: Extractor,
        gallery: Gallery | None = None,
        limit: UploadLimit | None = None,
    ) -> None:
        self.extractor = extractor
        self.limit = limit or UploadLimit()
        start = Gallery(extractor) if gallery is None else gallery
        start.check_model(extractor)
        self._start = Session(start, "the server's own" if gallery is not None else "new")
        self._exports = tempfile.TemporaryDirectory(prefix="fingerprint-web-")

    def close(self) -> None:
        """Delete the files made for download."""
        self._exports.cleanup()

    def rates(self, of: str) -> list[tuple[str, float]]:
        """The error rates to choose from, in words; the model's default is among them.

        Args:
            of: what is counted, "comparisons" or "probes".
        """
        calibration = self.extractor.calibration
        low, high = calibration.fmr_range
        found = {rate for rate in _RATES if low <= rate <= high} | {calibration.default_fmr}
        return [(f"{one_in(rate)} {of}", rate) for rate in sorted(found, reverse=True)]

    def verify(self, a: Sequence[str] | None, b: Sequence[str] | None, fmr: float | None) -> str:
        """Compare two sides."""
        left, right = self.limit.images(a, "Side A"), self.limit.images(b, "Side B")
        # By their paths, since a side that can be read again may be compared like the other one.
        with named(left + right):
            result = self.extractor.verify(
                [image.path for image in left], [image.path for image in right], fmr=fmr
            )
        return str(verdict.verification(result, [*left, *right]))

    def identify(
        self,
        paths: Sequence[str] | None,
        together: bool,
        fpir: float | None,
        session: Session | None,
    ) -> str:
        """Look for the source of the images in the gallery in use."""
        images = self.limit.images(paths, "Images to identify")
        gallery = self._session(session).gallery
        if len(gallery) == 0:
            raise GalleryError("the gallery is empty: enroll a generator, or open a gallery file")
        probes = [images] if together else [[image] for image in images]
        parts, rates = [], joined([])
        for probe in probes:
            try:
                result = self.extractor.identify(
                    probe, gallery, fpir=fpir, top=5 if len(probes) == 1 else 3
                )
            except FingerprintError as error:
                if len(probes) == 1:
                    raise
                parts.append(html.notice(str(error)))
            else:
                parts.append(verdict.identification(result, probe))
                rates = verdict.identification_rates(result)
        return str(joined([*parts, rates]))

    def enroll(
        self, name: str, paths: Sequence[str] | None, session: Session | None
    ) -> tuple[str, Session]:
        """Add images of one generator to the visitor's gallery."""
        name = name.strip()
        if not name:
            raise GalleryError("give the generator a name")
        images = self.limit.images(paths, "Its images")
        gallery = self._copy(session)
        quality = gallery.enroll(name, images)
        weak = sum(bool(one.flags) for one in quality)
        said = f"{len(images)} image{'s' * (len(images) > 1)} enrolled as “{name}”"
        if weak:
            said += f", {weak} of them with a remark"
        return str(html.notice(said, "done")), Session(gallery, "with your changes")

    def remove(self, name: str | None, session: Session | None) -> tuple[str, Session]:
        """Remove an entry from the visitor's gallery."""
        if not name:
            raise GalleryError("choose the generator to remove")
        gallery = self._copy(session)
        gallery.remove(name)
        return str(html.notice(f"“{name}” removed", "done")), Session(gallery, "with your changes")

    def open_gallery(self, path: str) -> tuple[str, Session]:
        """Go on with an uploaded gallery file."""
        gallery = self.limit.gallery(path, self.extractor)
        name = Path(path).name
        return str(html.notice(f"{name} opened", "done")), Session(gallery, f"from {name}")

    def explain(
        self,
        path: str | None,
        other: str | None,
        fmr: float | None,
        compare: bool,
        fpir: float | None,
        session: Session | None,
    ) -> tuple[str, str]:
        """Show why: part of the page, and the path of the whole page for download."""
        (image,) = self.limit.images([path] if path else None, "Image")
        second = self.limit.images([other], "Second image")[0] if other else None
        gallery = self._session(session).gallery if compare else None
        found = explain(
            image,
            second,
            gallery if gallery is not None and len(gallery) else None,
            model=self.extractor,
            fmr=fmr,
            fpir=fpir,
        )
        shown = render(
            "web/parts/explained.html",
            verdict=verdict.explained(found),
            sections=sections(found.images, found.pictures()),
        )
        page = self._export("explanation.html")
        found.save(page)
        return str(shown), str(page)

    def listing(self, session: Session | None) -> str:
        """The gallery in use, as part of the page."""
        current = self._session(session)
        return str(html.gallery_list(current.gallery.items(), current.origin))

    def names(self, session: Session | None) -> list[str]:
        """Names in the gallery in use."""
        return list(self._session(session).gallery.names)

    def download(self, session: Session | None) -> str | None:
        """Path of the gallery in use as a file; None for an empty one."""
        gallery = self._session(session).gallery
        if len(gallery) == 0:
            return None
        path = self._export("gallery.fpg")
        gallery.save(path)
        return str(path)

    def _session(self, session: Session | None) -> Session:
        return self._start if session is None else session

    def _copy(self, session: Session | None) -> Gallery:
        gallery = Gallery(self.extractor)
        gallery.merge(self._session(session).gallery)
        return gallery

    def _export(self, name: str) -> Path:
        """Where to write a file for download; Gradio copies it at once, and cleans its copy."""
        folder = tempfile.mkdtemp(dir=self._exports.name)
        timer = threading.Timer(_KEEP_SECONDS, shutil.rmtree, (folder, True))
        timer.daemon = True
        timer.start()
        return Path(folder) / name
