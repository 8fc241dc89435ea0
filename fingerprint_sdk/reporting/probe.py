"""A question of a report with its answer, and what the answers were found with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fingerprint_sdk.declaration import Agreement, Declaration
from fingerprint_sdk.explanation import ImageView
from fingerprint_sdk.explanation.declarations import declaration_dict
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


@dataclass(frozen=True)
class Origin:
    """What a report was made with.

    Attributes:
        galleries: what was searched.
        model: that the answers are by.
        package: version of fingerprint_sdk.
        made: when, with its time zone.
        command: that repeats it; empty if it was made in Python.
    """

    galleries: tuple[SearchedGallery, ...]
    model: ModelIdentity
    package: str
    made: datetime
    command: str = ""
