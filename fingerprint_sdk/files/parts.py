"""A file of parts: safetensors files one behind another, mapped instead of read.

Each part starts at a multiple of eight bytes with the length of its header, in eight bytes. This
length is written last, when all the rest is on the disk: while it is zero, a writer is at work, or
was killed, and the file ends before it. Spaces behind the header make it a number of which one
byte is not zero, so that no reader takes half of it for a length.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.files.growth import start_after

Blocks = Sequence[npt.NDArray[Any]]
"""A tensor in pieces, one below the other, of one type and one width."""

_TYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "|u1"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
LARGEST_HEADER = 100_000_000
"""Bytes of a header at most, as in the safetensors library."""


@dataclass(frozen=True, eq=False)
class Part:
    """Metadata and tensors of one part; the tensors are read-only views of the file."""

    metadata: dict[str, str]
    tensors: dict[str, npt.NDArray[Any]]


def encode_part(
    metadata: Mapping[str, str], tensors: Mapping[str, Blocks]
) -> tuple[bytes, list[bytes | memoryview]]:
    """The eight bytes that a part starts with, and the rest of it; the tensors are not copied."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    pieces: list[bytes | memoryview] = []
    for name, blocks in tensors.items():
        start, end = end, end + sum(block.nbytes for block in blocks)
        header[name] = {
            "dtype": _NAMES[blocks[0].dtype],
            "shape": [sum(map(len, blocks)), *blocks[0].shape[1:]],
            "data_offsets": [start, end],
        }
        for block in blocks:
            pieces.append(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)
    text = json.dumps(header).encode()
    text = text.ljust(_of_one_byte(len(text)))
    return struct.pack("<Q", len(text)), [text, *pieces]


def _of_one_byte(least: int) -> int:
    """The next multiple of 256 of which one byte is not zero; none is before ``least``."""
    unit = 256
    while -(-least // unit) > 255:
        unit *= 256
    return -(-least // unit) * unit


def read_parts(file: BinaryIO) -> tuple[list[Part], int, object]:
    """The parts of an open file, where the last one ends, and what holds the file open.

    Of a ``BytesIO`` the parts hold its bytes.

    The tensors stay valid when the file is closed, replaced, or appended to; but not when
    somebody writes into it.

    Raises:
        ValueError, LookupError, TypeError: it is no such file, or cut short.
    """
    headers: list[tuple[dict[str, Any], int]] = []
    end = 0
    while header := _read_header(file, start_after(end), first=not headers):
        fields, data, end = header
        headers.append((fields, data))
    content = _mapped(file, end)
    return [_part(fields, data, content) for fields, data in headers], end, content


def hold(file: BinaryIO) -> object:
    """What keeps a file that is not empty from going for good, though it is closed and replaced.

    Unlike an open file it is let go without a word when nobody needs it any more.
    """
    return _mapped(file, 1)


def _read_header(
    file: BinaryIO, start: int, *, first: bool
) -> tuple[dict[str, Any], int, int] | None:
    """The header of the part at ``start``, where its data start, and where they end."""
    file.seek(start)
    seal = file.read(8)
    if not first and (len(seal) < 8 or not any(seal)):
        return None
    if len(seal) < 8:
        raise ValueError("it is cut short")
    (length,) = struct.unpack("<Q", seal)
    size = _size(file)  # asked after the seal, of a file that may be growing
    data = start + 8 + length
    if length > LARGEST_HEADER or data > size:
        raise ValueError("its header is too large")
    fields = json.loads(file.read(length))
    if not isinstance(fields, dict) or not isinstance(fields.get("__metadata__"), dict):
        raise ValueError("its header has no metadata")
    end = data
    for start, stop in sorted(
        field["data_offsets"] for name, field in fields.items() if name != "__metadata__"
    ):
        if data + start != end or stop < start:
            raise ValueError("its tensors overlap, or leave room between")
        end = data + stop
    if end > size:
        raise ValueError("it is cut short")
    return fields, data, end


def _part(fields: dict[str, Any], data: int, content: mmap.mmap | bytes) -> Part:
    metadata = fields.pop("__metadata__")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are not texts")
    "".join([*metadata, *metadata.values()]).encode()  # ValueError for what is no Unicode
    return Part(metadata, {name: _tensor(fields[name], data, content) for name in fields})


def _tensor(field: dict[str, Any], data: int, content: mmap.mmap | bytes) -> npt.NDArray[Any]:
    dtype, shape = np.dtype(_TYPES[field["dtype"]]), field["shape"]
    start, stop = field["data_offsets"]
    if not all(type(number) is int and 0 <= number < 2**48 for number in (*shape, start, stop)):
        raise ValueError("a tensor has no valid shape")
    if math.prod(shape) * dtype.itemsize != stop - start:
        raise ValueError("a tensor's shape and size disagree")
    if start == stop:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, content, data + start)


def _size(file: BinaryIO) -> int:
    if isinstance(file, BytesIO):
        return len(file.getbuffer())
    return os.fstat(file.fileno()).st_size


def _mapped(file: BinaryIO, length: int) -> mmap.mmap | bytes:
    """The first ``length`` bytes; read on Windows, where a mapped file cannot be replaced."""
    if os.name == "nt" or isinstance(file, BytesIO):
        file.seek(0)
        return file.read(length)
    return mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ)
