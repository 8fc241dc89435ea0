"""What a part's header may not say."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.indexes import plain_index

import fingerprint_sdk as fp
from fingerprint_sdk.files.parts import encode_part, read_parts


def tensor(start: object, stop: object, *shape: object, dtype: object = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


def written(path: Path, header: object, data: bytes = bytes(24)) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_a_part_is_what_safetensors_writes_and_reads(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.int64).reshape(3, 2),
        "b": np.linspace(0, 1, 5, dtype=np.float32),
        "c": np.linspace(0, 1, 4, dtype=np.float16).reshape(2, 2, 1),
        "d": np.frombuffer(b"abc", np.uint8),
        "e": np.empty((0, 7), np.float32),
    }
    seal, content = encode_part({"x": "ü"}, {k: [v[:1], v[1:]] for k, v in arrays.items()})
    (tmp_path / "mine").write_bytes(seal + b"".join(content))
    save_file(arrays, tmp_path / "theirs", {"x": "ü"})
    for name in ("mine", "theirs"):
        with (tmp_path / name).open("rb") as file:
            (part,), end, _ = read_parts(file)
        assert end == (tmp_path / name).stat().st_size
        assert part.metadata == {"x": "ü"}
        for mine in (part.tensors, load_file(tmp_path / name)):
            assert mine.keys() == arrays.keys()
            for key, array in arrays.items():
                np.testing.assert_array_equal(mine[key], array, strict=True)
    assert not part.tensors["b"].flags.writeable
    assert part.tensors["b"].flags.aligned


@pytest.mark.parametrize("size", [1, 200, 60_000, 70_000, 20_000_000])
def test_no_reader_sees_half_of_a_seal(tmp_path: Path, size: int) -> None:
    seal, content = encode_part({"x": "x" * size}, {"a": [np.arange(3, dtype=np.int64)]})
    assert seal.count(0) == 7
    (tmp_path / "a").write_bytes(seal + b"".join(content))
    with (tmp_path / "a").open("rb") as file:
        ((part,), *_) = read_parts(file)
    assert part.metadata == {"x": "x" * size}
    np.testing.assert_array_equal(part.tensors["a"], [0, 1, 2])
    assert load_file(tmp_path / "a").keys() == {"a"}


@pytest.mark.parametrize(
    "fields",
    [
        {"a": tensor(0, 25, 25)},  # past the end of the file
        {"a": tensor(1, 24, 23)},
        {"a": tensor(0, 8, 8), "b": tensor(9, 24, 15)},
        {"a": tensor(0, 8, 8), "b": tensor(7, 24, 17)},
        {"a": tensor(0, 24, 23)},
        {"a": tensor(24, 0, 24)},
        {"a": tensor(0, -8, -8)},
        {"a": tensor(0, 24, -4, -6)},
        {"a": tensor(0, 24, 24.0)},
        {"a": tensor(0, 24.0, 24)},
        {"a": tensor(False, 24, 24)},
        {"a": tensor(0, 24, "24")},
        {"a": tensor(0, 0, 0, 10**30)},
        {"a": tensor(0, 0, *[0] * 100)},
        {"a": tensor(0, 24, 3, dtype="F64")},
        {"a": tensor(0, 24, 24, dtype="F8_E4M3")},
        {"a": tensor(0, 24, 24, dtype=None)},
        {"a": tensor(0, 24, 24, dtype=[])},
        {"a": {"dtype": "U8", "shape": 24, "data_offsets": [0, 24]}},
        {"a": {"dtype": "U8", "shape": [24], "data_offsets": 24}},
        {"a": {"dtype": "U8", "shape": [24], "data_offsets": [0, 24, 24]}},
        {"a": {"dtype": "U8", "shape": [24], "data_offsets": ["0", "24"]}},
        {"a": {"dtype": "U8"}},
        {"a": None},
        {"a": []},
        {"__metadata__": []},
        {"__metadata__": None},
        {"__metadata__": {"a": 1}},
    ],
    ids=str,
)
def test_headers_that_lie_are_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = written(tmp_path / "x.fpi", {"__metadata__": {}, **fields})
    with pytest.raises(fp.GalleryError, match=r"x\.fpi' is not an index, or it is damaged: "):
        fp.Index.load(path)


@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"{}", b"null", b"{", b"\xff\xff", b"[" * 100_000, b'{"a": 1' + b"0" * 5000],
    ids=lambda header: repr(header[:10]),
)
def test_headers_that_are_none_are_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(fp.GalleryError, match=r"x\.fpi"):
        fp.Index.load(written(tmp_path / "x.fpi", header))


def test_a_header_larger_than_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    for length in (33, 2**40, 2**64 - 1):
        path.write_bytes(struct.pack("<Q", length) + bytes(32))
        with pytest.raises(fp.GalleryError, match="too large"):
            fp.Index.load(path)
    with path.open("wb") as file:  # a file of which nothing is on the disk
        file.write(struct.pack("<Q", 2**32))
        file.truncate(2**33)
    with pytest.raises(fp.GalleryError, match="too large"):
        fp.Index.load(path)


def test_what_follows_is_a_part_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(3).save(path)
    data = path.read_bytes() + bytes(-path.stat().st_size % 8)
    path.write_bytes(data + bytes(8) + b"what a killed writer leaves")
    assert len(fp.Index.load(path)) == 3
    path.write_bytes(data + b"anything")
    with pytest.raises(fp.GalleryError, match="damaged"):
        fp.Index.load(path)
    path.write_bytes(data + data)
    with pytest.raises(fp.GalleryError, match="not all different"):
        fp.Index.load(path)
