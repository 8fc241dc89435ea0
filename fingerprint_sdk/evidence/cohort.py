"""What processing alone explains of a likeness: a cohort of processed photographs.

Two images that were both made grey, blurred or recompressed look alike whoever made them. So do
they and photographs that were treated in the same way, which no generator made. What an image
shares with those counts against it. Equations: docs/method.md#cohort.
"""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.images.treatment import TREATMENTS

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Explained:
    """What processing explains of one image's scores.

    Attributes:
        likeness: mean cosine with the most similar of the cohort, -1 to 1.
        amount: taken off each of its scores, at least 0.
        treatment: of most of those, where no unprocessed image is that like them.
    """

    likeness: float
    amount: float
    treatment: str | None


@dataclass(frozen=True, eq=False)
class Cohort:
    """Embeddings of processed photographs, stored with the model.

    Attributes:
        embeddings: float32, shape (C, D), L2-normalised image embeddings.
        treatments: of each, one of ``images.treatment.TREATMENTS``.
        nearest: so many of the cohort tell an image's likeness to it.
        base: likeness up to which nothing is explained: that of many an unprocessed image.
        processed: likeness from which an image counts as processed: hardly an unprocessed one's.
        weight: of what is explained, for each side of a comparison.
    """

    embeddings: Embeddings
    treatments: tuple[str, ...]
    nearest: int
    base: float
    processed: float
    weight: float

    def explain(self, embeddings: npt.NDArray[np.floating]) -> tuple[Explained, ...]:
        """What the cohort explains of each image.

        Args:
            embeddings: image embeddings, shape (n, D), L2-normalised.
        """
        cosines = np.asarray(embeddings, np.float32) @ self.embeddings.T
        nearest = np.argpartition(cosines, -self.nearest, axis=1)[:, -self.nearest :]
        likeness = np.take_along_axis(cosines, nearest, axis=1).mean(axis=1, dtype=np.float64)
        found = []
        for places, value in zip(nearest, likeness, strict=True):
            kinds = Counter(self.treatments[place] for place in places)
            treatment = kinds.most_common(1)[0][0] if value > self.processed else None
            amount = self.weight * max(float(value) - self.base, 0.0)
            found.append(Explained(float(value), amount, treatment))
        return tuple(found)

    @classmethod
    def from_json(cls, text: str, size: int) -> Cohort:
        """Parse the ``cohort`` entry of a model's metadata.

        Args:
            text: an object of ``nearest``, ``base``, ``processed``, ``weight``, ``treatments``
                (how many rows of each, in the order of the rows) and ``embeddings``: base64 of
                int8, row by row, each so long that its largest number is 127.
            size: D.

        Raises:
            ModelError: it is not valid.
        """
        try:
            return _parse(json.loads(text), size)
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ModelError(
                f"the model's cohort is not valid ({reason}): export the model again"
            ) from error


def no_cohort(size: int) -> Cohort:
    """A cohort that explains nothing, for a model without one."""
    return Cohort(np.zeros((1, size), np.float32), ("other",), 1, 1.0, 1.0, 0.0)


def to_json(cohort: Cohort) -> str:
    """What ``Cohort.from_json`` reads: eight bits a number, see ``stored``."""
    content = _eight_bits(cohort.embeddings).tobytes()
    runs = [(name, len(list(rows))) for name, rows in groupby(cohort.treatments)]
    return json.dumps(
        {
            "treatments": runs,
            "nearest": cohort.nearest,
            "base": cohort.base,
            "processed": cohort.processed,
            "weight": cohort.weight,
            "embeddings": base64.b64encode(content).decode(),
        }
    )


def stored(embeddings: npt.NDArray[Any]) -> Embeddings:
    """Embeddings as they are read again, (C, D): rounded to eight bits, L2-normalised.

    A cosine changes by some thousandths.
    """
    rows = _eight_bits(embeddings).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows.setflags(write=False)
    return rows


def _eight_bits(embeddings: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    largest = np.abs(embeddings).max(axis=1, keepdims=True)
    return np.asarray(np.rint(embeddings / largest * 127), np.int8)


def _parse(data: Any, size: int) -> Cohort:
    content = base64.b64decode(data["embeddings"], validate=True)
    if not content or len(content) % size:
        raise ValueError(f"its embeddings are not rows of {size} numbers")
    rows = np.frombuffer(content, np.int8).reshape(-1, size)
    if not rows.any(axis=1).all():
        raise ValueError("an embedding is all zero")
    runs = [(name, int(count)) for name, count in data["treatments"]]
    # Before they are written out: a count may be anything.
    fits = sum(count for _, count in runs) == len(rows) and all(count > 0 for _, count in runs)
    if not fits or not {name for name, _ in runs} <= set(TREATMENTS):
        raise ValueError("its treatments do not fit its embeddings")
    treatments = tuple(name for name, count in runs for _ in range(count))
    nearest, base, weight = data["nearest"], float(data["base"]), float(data["weight"])
    processed = float(data["processed"])
    if type(nearest) is not int or not 1 <= nearest <= len(rows):
        raise ValueError(f"nearest must be an integer from 1 to {len(rows)}")
    if not (-1 <= base <= processed <= 1 and math.isfinite(weight) and weight >= 0):
        raise ValueError("base and processed must rise within -1 and 1, and weight from 0")
    return Cohort(stored(rows), treatments, nearest, base, processed, weight)
