"""A report: what it holds, as values, as a page and as a file."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fingerprint_sdk.declaration import Agreement, Declaration
from fingerprint_sdk.explanation import ImageView
from fingerprint_sdk.explanation.declarations import declaration_dict
from fingerprint_sdk.files import delivering, writing
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.reporting.sources import ReportedFile, SearchedGallery
from fingerprint_sdk.runtime.contract import ModelIdentity


@dataclass(frozen=True, eq=False)
class Probe:
    """One question of a report, and its answer.

    Attributes:
        files: the images that it is about.
        identification: the answer.
        declared: what each file says of itself, and how that fits the answer.
        views: of the images that pictures are drawn of.
    """

    files: tuple[ReportedFile, ...]
    identification: Identification
    declared: tuple[tuple[Declaration | None, Agreement | None], ...]
    views: tuple[ImageView, ...]

    def to_dict(self, private: bool = False) -> dict[str, Any]:
        """Plain values, ready for JSON; see ``Report.to_dict``."""
        return {
            "files": [asdict(file) for file in self.files],
            "declared": [declaration_dict(*one, private) for one in self.declared],
            **self.identification.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Report:
    """Who made these images: the answers, and all that is needed to check them.

    Attributes:
        probes: the questions: one for each image, or one for all.
        galleries: what was searched.
        model: that the answers are by.
        package: version of fingerprint_sdk.
        made: when, with its time zone.
        skipped: images that could not be used, with the reason.
        command: that repeats it; empty if it was made in Python.
    """

    probes: tuple[Probe, ...]
    galleries: tuple[SearchedGallery, ...]
    model: ModelIdentity
    package: str
    made: datetime
    skipped: tuple[tuple[str, str], ...] = ()
    command: str = ""

    def to_dict(self, private: bool = False) -> dict[str, Any]:
        """Plain values, ready for JSON; the pictures are left out. See docs/json.md.

        Args:
            private: with prompts and names of people that the files declare.
        """
        return {
            "made": self.made.isoformat(timespec="seconds"),
            "package": self.package,
            "command": self.command or None,
            "galleries": [asdict(one) for one in self.galleries],
            "probes": [probe.to_dict(private) for probe in self.probes],
            "skipped": [{"path": path, "error": error} for path, error in self.skipped],
        }

    def html(self, private: bool = False) -> str:
        """One page with everything in it: it loads nothing from anywhere, and prints.

        Args:
            private: with prompts and names of people that the files declare.

        Raises:
            FingerprintError: matplotlib is not installed (extra ``plots``).
        """
        from fingerprint_sdk.reporting.page import page

        return page(self, private)

    def save(self, path: str | os.PathLike[str], private: bool = False) -> Path:
        """Write the page, whole or not at all.

        Args:
            path: of the page.
            private: see ``html``.

        Raises:
            FingerprintError: the file cannot be written, or matplotlib is not installed.
        """
        written = self.html(private).encode()
        with writing(path), delivering(path) as file:
            file.write(written)
        return Path(path)
