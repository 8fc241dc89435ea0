"""The rows of an index: images with their names, embeddings and stamps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import Embeddings
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import ANY_LOSSY, treatment

BLOCK = 16_384
"""Rows that may be copied: 42 MB of 641 float32 numbers, some milliseconds."""
CHUNK = 4096
"""Rows that are made float32 at once: 10 MB of them."""
MARKS = (("as is",), ANY_LOSSY, ("lossy",), ("coarse",), ("grey",), ("resized",))
"""By the number that is kept of an image, the treatments that its file and its pixels may tell.
Number 1 is what earlier versions kept of any lossy image."""


def mark_of(quality: Quality) -> int:
    """The place in ``MARKS`` of an image of this quality."""
    return MARKS.index((treatment(quality, None),))


@dataclass(frozen=True, eq=False)
class Rows:
    """The content of an index, one row for each image; never changed in place.

    The embeddings are not one array but several, one below the other, so that rows are added
    without copying those there are, and those of a file stay in the file.

    Attributes:
        names: N different strings.
        blocks: at least one, all float32 or all float16, shape (n, D), N rows in all,
            L2-normalised.
        marks: uint8, shape (N,), see ``MARKS``.
        stamps: int64, shape (N, 2): a file's size in bytes and time of change in nanoseconds, -1
            when unknown.
    """

    names: tuple[str, ...]
    blocks: tuple[npt.NDArray[np.floating[Any]], ...]
    marks: npt.NDArray[np.uint8]
    stamps: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, size: int, *, half: bool) -> Rows:
        """No rows of ``size`` columns, float16 if ``half``."""
        block = np.empty((0, size), np.float16 if half else np.float32)
        return cls((), (block,), np.empty(0, np.uint8), np.empty((0, 2), np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """The rows of all parts; small blocks become one, large ones are not copied."""
        return cls(
            tuple(chain.from_iterable(part.names for part in parts)),
            tuple(_joined([block for part in parts for block in part.blocks])),
            np.concatenate([part.marks for part in parts]),
            np.concatenate([part.stamps for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """Columns, D."""
        return int(self.blocks[0].shape[1])

    @property
    def half(self) -> bool:
        """Whether the embeddings are float16."""
        return bool(self.blocks[0].dtype == np.float16)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the names, the stamps and the marks: of which images it is."""
        total = hashlib.sha256(self.stamps.tobytes() + self.marks.tobytes())
        for name in self.names:
            total.update(name.encode("utf-8", "surrogatepass") + b"\0")
        return total.hexdigest()

    def chunks(self) -> Iterator[tuple[slice, Embeddings]]:
        """All embeddings as float32, some after another, and which rows they are.

        float32 blocks as they are, so that a product with them may use all cores.
        """
        first = 0
        for block in self.blocks:
            step = CHUNK if self.half else max(1, len(block))
            for start in range(0, len(block), step):
                rows = block[start : start + step].astype(np.float32, copy=False)
                yield slice(first, first + len(rows)), rows
                first += len(rows)

    def embeddings(self, places: npt.NDArray[np.intp]) -> Embeddings:
        """Those of the rows at ``places``, float32, shape (*places.shape, D)."""
        found = np.empty((*places.shape, self.size), np.float32)
        first = 0
        for block in self.blocks:
            here = (places >= first) & (places < first + len(block))
            found[here] = block[places[here] - first]
            first += len(block)
        return found

    def since(self, start: int) -> Rows:
        """The rows from place ``start`` on."""
        blocks, first = [], 0
        for block in self.blocks:
            blocks.append(block[max(0, start - first) :])
            first += len(block)
        later = [block for block in blocks if len(block)] or blocks[:1]
        return Rows(self.names[start:], tuple(later), self.marks[start:], self.stamps[start:])

    def kept(self, keep: npt.NDArray[np.bool_]) -> Rows:
        """Only the rows where ``keep``, shape (N,), is True; copies only blocks with a gap."""
        blocks, first = [], 0
        for block in self.blocks:
            for start in range(0, len(block), BLOCK):
                rows = block[start : start + BLOCK]
                here = keep[first : first + len(rows)]
                if here.any():
                    blocks.append(rows if here.all() else rows[here])
                first += len(rows)
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        blocks = blocks or [self.blocks[0][:0]]
        return Rows(names, tuple(_joined(blocks)), self.marks[keep], self.stamps[keep])


def _joined(
    blocks: Sequence[npt.NDArray[np.floating[Any]]],
) -> Iterator[npt.NDArray[np.floating[Any]]]:
    """The same rows in fewer blocks: neighbours become one as long as it is a small one."""
    group = [blocks[0]]
    for block in blocks[1:]:
        if sum(map(len, group)) + len(block) > BLOCK:
            yield np.concatenate(group) if len(group) > 1 else group[0]
            group = []
        group.append(block)
    yield np.concatenate(group) if len(group) > 1 else group[0]
