"""What the protocol finds on one image set, and its JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fingerprint_sdk.files import write_text
from trainer.evaluation.identification import (
    IdentificationScores,
)
from trainer.evaluation.verification import (
    VerificationScores,
)


@dataclass(frozen=True)
class ModelRecord:
    """The model that was scored, and what ran it."""

    name: str
    version: str
    sha256: str
    device: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Scores:
    """Outcome of the protocol on one image set.

    Attributes:
        identification, verification, set_verification: the three parts.
        images: number of images of each model.
        lossy: share of all images that carry lossy compression; None where only embeddings were
            given.
        decoders: decoder of each model.
        seed: of the first gallery, and of the pairs.
        model: what made the embeddings; None where only these were given.
    """

    identification: IdentificationScores
    verification: VerificationScores
    set_verification: VerificationScores
    images: dict[str, int]
    lossy: float | None
    decoders: dict[str, str]
    seed: int
    model: ModelRecord | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def write_json(path: Path, results: Mapping[str, Scores]) -> None:
    """Write the scores of some image sets, by name, whole or not at all."""
    record = {name: scores.to_dict() for name, scores in results.items()}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(record, indent=2, allow_nan=False) + "\n")
