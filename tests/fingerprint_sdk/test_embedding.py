"""The embedding of an image by any function of its windows, against an open model's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_model import TINY_METADATA, build_tiny_model

import fingerprint_sdk as fp
from fingerprint_sdk.embedding import embed_images, image_embedding, image_embeddings
from fingerprint_sdk.images import windows

SIZES = [(64, 300), (128, 128), (200, 260), (520, 513)]


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]


@pytest.mark.parametrize("constant", ["0", "2.0"])
def test_it_embeds_as_the_extractor_does(
    tmp_path: Path, pictures: list[np.ndarray], constant: str
) -> None:
    metadata = TINY_METADATA | {"constant": constant}
    model = fp.Extractor.from_file(
        build_tiny_model(tmp_path / "m.onnx", metadata=metadata), device="cpu", threads=1
    )
    mine = embed_images(model.embed_windows, pictures, model.constant)
    assert (mine.dtype, mine.shape) == (np.float32, (4, model.embedding_size))
    np.testing.assert_allclose(mine, model.embed(pictures), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("batch_size", "calls"), [(None, [38]), (1, [3, 1, 9, 25]), (3, [13, 25])]
)
def test_images_share_calls_as_asked(
    pictures: list[np.ndarray], batch_size: int | None, calls: list[int]
) -> None:
    seen = []

    def run(crops: np.ndarray) -> np.ndarray:
        seen.append(len(crops))
        return crops.reshape(len(crops), -1)[:, :5].astype(np.float64)

    found = embed_images(run, iter(pictures), batch_size=batch_size)
    assert sum(calls) == sum(len(windows(picture)) for picture in pictures)
    assert seen == calls
    for row, picture in zip(found, pictures, strict=True):
        np.testing.assert_array_equal(row, image_embedding(run(windows(picture))))


def test_fewer_windows_can_be_asked_for(pictures: list[np.ndarray]) -> None:
    seen = []

    def run(crops: np.ndarray) -> np.ndarray:
        seen.append(crops)
        return np.ones((len(crops), 2))

    embed_images(run, pictures[2:], per_axis=1)
    np.testing.assert_array_equal(
        seen[0], np.concatenate([windows(picture, 1) for picture in pictures[2:]])
    )


def test_no_image_is_an_error() -> None:
    with pytest.raises(ValueError, match="no images"):
        embed_images(lambda crops: np.ones((len(crops), 2)), [])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.floats(0, 3))
def test_windows_in_a_row_are_split_by_image(counts: list[int], constant: float) -> None:
    rows = np.random.default_rng(0).standard_normal((sum(counts), 4))
    found = list(image_embeddings(rows, counts, constant))
    parts = np.split(rows, np.cumsum(counts)[:-1])
    for one, part in zip(found, parts, strict=True):
        np.testing.assert_array_equal(one, image_embedding(part, constant))
