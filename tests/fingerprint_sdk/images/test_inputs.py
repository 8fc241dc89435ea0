"""Inputs as callers make them: odd arrays, broken readers, buffers that are gone."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images import load_image


def views(array: np.ndarray, draw: st.DrawFn) -> np.ndarray:
    """The array seen in another order: turned, reversed, with gaps."""
    if array.ndim >= 2 and draw(st.booleans()):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = [draw(st.sampled_from([1, 1, -1, 2, -3])) for _ in range(array.ndim)]
    return array[tuple(slice(None, None, step) for step in steps)]


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of every dtype, shape and stride."""
    dtypes = st.one_of(
        st.just(np.dtype(np.uint8)),
        npst.scalar_dtypes(),
        npst.array_dtypes(max_size=2),
        st.just(np.dtype(object)),
    )
    shapes = st.one_of(
        npst.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6),
        st.tuples(st.integers(0, 140), st.integers(0, 140), st.sampled_from([1, 2, 3, 4, 5])),
        st.tuples(st.integers(1, 140), st.integers(1, 140)),
    )
    dtype, shape = draw(dtypes), draw(shapes)
    array = np.zeros(shape, dtype)
    if dtype == np.uint8 and array.size:
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        array[...] = rng.integers(0, 256, shape, np.uint8)
    return views(array, draw)


@settings(max_examples=200)
@given(arrays())
def test_any_array_gives_its_pixels_or_an_image_error(array: np.ndarray) -> None:
    try:
        loaded = load_image(array)
    except ImageError:
        return
    assert array.dtype == np.uint8
    expected = array if array.ndim == 3 else np.repeat(array[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(loaded.pixels, expected[:, :, :3])
    assert loaded.pixels.flags.c_contiguous


@settings(max_examples=60)
@given(array=arrays())
def test_public_calls_raise_our_errors_only(extractor: fp.Extractor, array: np.ndarray) -> None:
    for call in (
        extractor.embed,
        extractor.embed_many,
        extractor.embed_windows,
        lambda x: extractor.verify(x, x),
        lambda x: fp.Gallery(extractor).enroll("a", x, copies=False),
        lambda x: fp.Index(extractor).nearest(x),
        lambda x: fp.Gallery(extractor).search(x, extractor.calibration),
        lambda x: extractor.verify(x, np.eye(16, dtype=np.float32)[:1]),
    ):
        with suppress(fp.FingerprintError):
            call(array)


def test_an_array_that_only_seems_huge_is_refused() -> None:
    seeming = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (10**6, 10**6, 3))
    with pytest.raises(ImageError, match="1000000x1000000 pixels"):
        load_image(seeming)


class Reader:
    """A file object that does as it is told."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def read(self, size: int = -1) -> Any:
        answer = self.answers.pop(0) if self.answers else b""
        if isinstance(answer, BaseException):
            raise answer
        return answer


def encoded() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(synthetic_image(0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "error", [RuntimeError("gone"), OSError(5, "I/O"), KeyError("x"), MemoryError(), EOFError()]
)
def test_a_reader_that_raises_is_an_image_error(error: Exception, extractor: fp.Extractor) -> None:
    good = encoded()
    for reader in (Reader(error), Reader(good[:100], error)):
        with pytest.raises(ImageError, match="<Reader>"):
            load_image(reader)  # type: ignore[arg-type]
    found = extractor.embed_many([good, Reader(error), good])
    assert found.indices == (0, 2)


def test_a_reader_may_give_pieces() -> None:
    good = encoded()
    pieces = [good[i : i + 1000] for i in range(0, len(good), 1000)]
    for reader in (Reader(*pieces), Reader(*map(bytearray, pieces)), Reader(memoryview(good))):
        np.testing.assert_array_equal(
            load_image(reader).pixels,  # type: ignore[arg-type]
            synthetic_image(0, 0),
        )
    with pytest.raises(ImageError, match="binary"):
        load_image(Reader(good[:9], "text"))  # type: ignore[arg-type]


def test_buffers_that_are_gone_or_odd() -> None:
    good = encoded()
    released = memoryview(good)
    released.release()
    with pytest.raises(ImageError, match="<memoryview>"):
        load_image(released)
    backwards = memoryview(good[::-1])[::-1]
    np.testing.assert_array_equal(load_image(backwards).pixels, synthetic_image(0, 0))
    closed = io.BytesIO(good)
    closed.close()
    with pytest.raises(ImageError, match="closed"):
        load_image(closed)


class NoPath(os.PathLike[str]):
    def __fspath__(self) -> str:
        raise RuntimeError("no path today")


def test_paths_that_are_none() -> None:
    for odd in (NoPath(), "x" * 100_000, "\udcff\0", "", b"x" * 10):
        with pytest.raises(ImageError) as caught:
            load_image(odd)
        assert len(str(caught.value)) < 1000
    image = Image.new("RGB", (4, 4))
    image.close()
    with pytest.raises(ImageError):
        load_image(image)
