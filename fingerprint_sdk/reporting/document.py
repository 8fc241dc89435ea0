"""A report: what it holds, as values, as a page and as a file."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fingerprint_sdk.files import delivering, writing
from fingerprint_sdk.reporting.probe import Origin, Probe


@dataclass(frozen=True, eq=False)
class Report:
    """Who made these images: the answers, and all that is needed to check them.

    Attributes:
        probes: the questions: one for each image, or one for all.
        origin: what they were found with: galleries, model, versions, and when.
        skipped: images that could not be used, with the reason.
    """

    probes: tuple[Probe, ...]
    origin: Origin
    skipped: tuple[tuple[str, str], ...] = ()

    def to_dict(self, private: bool = False) -> dict[str, Any]:
        """Plain values, ready for JSON; the pictures are left out. See docs/json.md.

        Args:
            private: with prompts and names of people that the files declare.
        """
        return {
            "made": self.origin.made.isoformat(timespec="seconds"),
            "package": self.origin.package,
            "command": self.origin.command or None,
            "galleries": [asdict(one) for one in self.origin.galleries],
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

        return page(self.probes, self.origin, self.skipped, private)

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
