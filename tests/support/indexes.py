"""Indexes of pretend embeddings, made without images."""

from __future__ import annotations

import numpy as np
from support.embeddings import unit

import fingerprint_sdk as fp
from fingerprint_sdk.index.file import Content
from fingerprint_sdk.index.rows import MARKS, Rows
from fingerprint_sdk.runtime.contract import ModelIdentity


def plain_rows(first: int, count: int, size: int = 16, *, half: bool = False) -> Rows:
    """Random rows, the same for the same numbers: "image7" is always the same vector."""
    vectors = [np.random.default_rng(n).standard_normal(size) for n in range(first, first + count)]
    embeddings = unit(np.array(vectors).reshape(-1, size))
    numbers = np.arange(first, first + count)
    return Rows(
        tuple(f"image{number}" for number in numbers),
        (embeddings.astype(np.float16) if half else embeddings,),
        (numbers % len(MARKS)).astype(np.uint8),
        np.stack([numbers, -numbers], axis=1),
    )


def plain_index(count: int, size: int = 16, *, half: bool = False) -> fp.Index:
    """An index of such rows, of a model that nobody has."""
    identity = ModelIdentity("pretend", "1", "0" * 64, size)
    return fp.Index(content=Content(identity, plain_rows(0, count, size, half=half)))


def add_plain(index: fp.Index, count: int) -> None:
    """Add the next ``count`` images to a plain index."""
    index._extend(plain_rows(len(index), count, index.model.embedding_size, half=index.half))


def check_plain(index: fp.Index, count: int) -> None:
    """Assert that a plain index holds exactly the first ``count`` images."""
    expected = plain_rows(0, count, index.model.embedding_size, half=index.half)
    rows = index._content()
    assert rows.names == expected.names
    np.testing.assert_array_equal(np.concatenate(rows.blocks), expected.blocks[0])
    np.testing.assert_array_equal(rows.marks, expected.marks)
    np.testing.assert_array_equal(rows.stamps, expected.stamps)
