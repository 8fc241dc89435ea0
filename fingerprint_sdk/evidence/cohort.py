"""What processing alone explains of a likeness: a cohort of processed photographs.

Two images that were both made grey, blurred or recompressed look alike whoever made them. So do
they and photographs that were treated in the same way, which no generator made. What a side of a
comparison shares with those counts against it. Equations: docs/method.md#cohort.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.images.treatment import TREATMENTS
from fingerprint_sdk.process.forks import cached_property

Embeddings = npt.NDArray[np.float32]

_FEW = 16  # sides: of so few it is quicker to multiply only what is nearest to them
_AT_ONCE = 512  # sides: 16 MB of cosines with 8,000 settings


@dataclass(frozen=True)
class CohortKind:
    """A kind of processing.

    Attributes:
        name: e.g. "webp".
        treatment: one of ``images.treatment.TREATMENTS``.
        count: how many settings of it the cohort has.
    """

    name: str
    treatment: str
    count: int


@dataclass(frozen=True)
class Usual:
    """What is usual of sides that nobody processed.

    Attributes:
        images: on the side.
        base: likeness up to which nothing is explained: that of many an unprocessed side.
        amount: explained of many an unprocessed side.
        processed: amount from which a side counts as processed: hardly an unprocessed one's.
    """

    images: int
    base: float
    amount: float
    processed: float


@dataclass(frozen=True)
class Explained:
    """What processing explains of one side's scores.

    Attributes:
        likeness: to settings of the kind that it is most like, -1 to 1.
        amount: taken off each of its scores, at least 0.
        excess: what of that is more than usual. It speaks against one source, and not for two.
        beyond: what of that is more than hardly any unprocessed side's.
        kind: name of that kind of processing.
        treatment: of that kind, where no unprocessed side is that like one; else None.
    """

    likeness: float
    amount: float
    excess: float
    beyond: float
    kind: str
    treatment: str | None


@dataclass(frozen=True, eq=False)
class Cohort:
    """Embeddings of photographs by how they were processed, stored with the model.

    Attributes:
        embeddings: float32, shape (C, D), L2-normalised image embeddings, kind by kind.
        kinds: K kinds of processing, in that order.
        nearest: so many settings of a kind tell a side's likeness to it.
        others: the best kind is set against so many next to it.
        likeness_weight: of what the likeness exceeds the usual by.
        contrast_weight: of what the best kind exceeds the next ones by.
        usual: by the number of images, rising from 1.
    """

    embeddings: Embeddings
    kinds: tuple[CohortKind, ...]
    nearest: int
    others: int
    likeness_weight: float
    contrast_weight: float
    usual: tuple[Usual, ...]

    def explain(
        self, embeddings: npt.NDArray[np.floating], images: int | Sequence[int] = 1
    ) -> tuple[Explained, ...]:
        """What the cohort explains of each side.

        Args:
            embeddings: of the sides, shape (n, D), L2-normalised.
            images: how many images each embedding is the mean of: for all sides, or of each.
        """
        rows = np.asarray(embeddings, np.float32)
        counts = np.broadcast_to(np.asarray(images), len(rows))
        found = []
        for start in range(0, len(rows), _AT_ONCE):
            likenesses = self.likenesses(rows[start : start + _AT_ONCE])
            order = np.argsort(-likenesses, axis=1, kind="stable")
            ranked = np.take_along_axis(likenesses, order, axis=1)
            next_ones = ranked[:, 1 : 1 + self.others]
            best = ranked[:, 0]
            contrast = best - next_ones.mean(axis=1) if next_ones.size else np.zeros_like(best)
            for place, first in enumerate(order[:, 0]):
                found.append(
                    self._explained(
                        self.kinds[first],
                        float(best[place]),
                        float(contrast[place]),
                        self._usual(int(counts[start + place])),
                    )
                )
        return tuple(found)

    def likenesses(self, embeddings: Embeddings) -> npt.NDArray[np.float64]:
        """Cosine of each side with the mean of the settings nearest to it, of every kind.

        Args:
            embeddings: float32, (n, D), L2-normalised.

        Returns:
            float64, (n, K).
        """
        cosines = embeddings @ self.embeddings.T
        columns = []
        for number, place in enumerate(self._places):
            own = cosines[:, place]
            count = min(self.nearest, own.shape[1])
            nearest = np.argpartition(own, -count, axis=1)[:, -count:]
            total = np.take_along_axis(own, nearest, axis=1).sum(axis=1, dtype=np.float64)
            if len(embeddings) > _FEW:
                products = self._products[number]
                each = products[nearest[:, :, None], nearest[:, None, :]]
            else:
                rows = self.embeddings[place][nearest]
                each = rows @ rows.transpose(0, 2, 1)
            squared = each.sum(axis=(1, 2), dtype=np.float64)
            columns.append(total / np.sqrt(np.maximum(squared, 1e-12)))
        return np.stack(columns, axis=1)

    def _explained(
        self, kind: CohortKind, likeness: float, contrast: float, usual: Usual
    ) -> Explained:
        amount = self.likeness_weight * max(likeness - usual.base, 0.0)
        amount += self.contrast_weight * contrast
        return Explained(
            likeness,
            amount,
            max(amount - usual.amount, 0.0),
            max(amount - usual.processed, 0.0),
            kind.name,
            kind.treatment if amount > usual.processed else None,
        )

    def _usual(self, images: int) -> Usual:
        """Between numbers of images that were measured linear in the number's logarithm."""
        numbers = [math.log(one.images) for one in self.usual]
        values = (
            float(np.interp(math.log(images), numbers, [getattr(one, name) for one in self.usual]))
            for name in ("base", "amount", "processed")
        )
        return Usual(images, *values)

    @cached_property
    def _places(self) -> tuple[slice, ...]:
        ends = np.cumsum([kind.count for kind in self.kinds])
        return tuple(
            slice(int(end) - kind.count, int(end))
            for kind, end in zip(self.kinds, ends, strict=True)
        )

    @cached_property
    def _products(self) -> tuple[Embeddings, ...]:
        """Of every two settings of each kind."""
        return tuple(self.embeddings[place] @ self.embeddings[place].T for place in self._places)

    @classmethod
    def from_json(cls, text: str, size: int) -> Cohort:
        """Parse the ``cohort`` entry of a model's metadata.

        Args:
            text: an object of the attributes, where ``kinds`` are [name, treatment, count] and
                ``usual`` [images, base, amount, processed] each, and ``embeddings`` base64 of
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
    kinds = (CohortKind("none", "other", 1),)
    return Cohort(
        np.zeros((1, size), np.float32), kinds, 1, 1, 0.0, 0.0, (Usual(1, 1.0, 0.0, 1.0),)
    )


def to_json(cohort: Cohort) -> str:
    """What ``Cohort.from_json`` reads: eight bits a number, see ``stored``."""
    content = _eight_bits(cohort.embeddings).tobytes()
    return json.dumps(
        {
            "kinds": [list(asdict(kind).values()) for kind in cohort.kinds],
            "nearest": cohort.nearest,
            "others": cohort.others,
            "likeness_weight": cohort.likeness_weight,
            "contrast_weight": cohort.contrast_weight,
            "usual": [list(asdict(one).values()) for one in cohort.usual],
            "embeddings": base64.b64encode(content).decode(),
        }
    )


def stored(embeddings: npt.NDArray[Any]) -> Embeddings:
    """Embeddings as they are read again, (C, D): rounded to eight bits, L2-normalised.

    A cosine changes by some thousandths.
    """
    return _normalised(_eight_bits(embeddings))


def _normalised(eight_bits: npt.NDArray[np.int8]) -> Embeddings:
    rows = eight_bits.astype(np.float32)
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    rows.setflags(write=False)
    return rows


def _eight_bits(embeddings: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    largest = np.abs(embeddings).max(axis=1, keepdims=True)
    return np.asarray(np.rint(embeddings / largest * 127), np.int8)


def _parse(data: Any, size: int) -> Cohort:
    content = binascii.a2b_base64(data["embeddings"], strict_mode=True)
    if not content or len(content) % size:
        raise ValueError(f"its embeddings are not rows of {size} numbers")
    rows = np.frombuffer(content, np.int8).reshape(-1, size)
    if not rows.any(axis=1).all():
        raise ValueError("an embedding is all zero")
    kinds = tuple(CohortKind(name, treatment, count) for name, treatment, count in data["kinds"])
    counts = [kind.count for kind in kinds]
    whole = all(type(count) is int and count > 0 for count in counts)
    if not whole or sum(counts) != len(rows):
        raise ValueError("its kinds do not fit its embeddings")
    if not all(isinstance(k.name, str) and k.treatment in TREATMENTS for k in kinds):
        raise ValueError("a kind has no name, or a treatment that is none")
    nearest, others = data["nearest"], data["others"]
    if not all(type(number) is int and number >= 1 for number in (nearest, others)):
        raise ValueError("nearest and others must be integers from 1")
    weights = [float(data[name]) for name in ("likeness_weight", "contrast_weight")]
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError("its weights must be finite, from 0")
    usual = tuple(Usual(images, *map(float, values)) for images, *values in data["usual"])
    numbers = [one.images for one in usual]
    if not numbers or any(type(n) is not int for n in numbers) or numbers[0] != 1:
        raise ValueError("what is usual must be told by numbers of images, from 1")
    if numbers != sorted(set(numbers)):
        raise ValueError("what is usual must be told by rising numbers of images")
    if not all(-1 <= u.base <= 1 and 0 <= u.amount <= u.processed <= 2 for u in usual):
        raise ValueError("base must lie within -1 and 1, amount and processed rise within 0 and 2")
    return Cohort(_normalised(rows), kinds, nearest, others, weights[0], weights[1], usual)
