"""Does an ONNX file hold all of its model? Told by its bytes, before ONNX Runtime opens it.

A tensor may lie in another file, which ONNX Runtime would look for in the working folder. Such a
file is outside the model's hash, so that anybody could change what the model computes.

The layout is that of protobuf: fields of a number and a type, among them messages within messages
(onnx.proto). Fields that cannot lead to a tensor are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from fingerprint_sdk.errors import ModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # types of fields
_FIXED = {_FIXED64: 8, _FIXED32: 4}

_WITHIN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_DEEPEST = 100  # messages within messages, as in protobuf


def check_whole(model: bytes, name: str) -> None:
    """Raise ModelError unless the bytes are an ONNX model without data in other files.

    Args:
        model: the content of the file.
        name: of it, for messages.
    """
    try:
        external = _is_external(memoryview(model), "model", 0)
    except ValueError as error:
        raise ModelError(f"{name} is not an ONNX model, or it is damaged: {error}") from error
    if external:
        raise ModelError(
            f"{name} keeps data in another file, which nobody can vouch for: save the model as "
            "one file (onnx.save without external data)"
        )


def _is_external(content: memoryview, message: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    within = _WITHIN[message]
    for number, kind, value in _fields(content):
        if message == "tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION):
            if kind == _BYTES or value != 0:
                return True
        elif (
            kind == _BYTES
            and number in within
            and isinstance(value, memoryview)
            and _is_external(value, within[number], depth + 1)
        ):
            return True
    return False


def _fields(content: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    """Number, type and value of each field; ValueError where they cannot be told."""
    place, end = 0, len(content)
    while place < end:
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        value: memoryview | int = 0
        if kind == _VARINT:
            value, place = _varint(content, place)
        else:
            if kind == _BYTES:
                length, place = _varint(content, place)
            elif kind in _FIXED:
                length = _FIXED[kind]
            else:  # groups, which no version of ONNX has
                raise ValueError(f"a field has the type {kind}")
            if length > end - place:
                raise ValueError("it is cut short")
            value, place = content[place : place + length], place + length
        yield number, kind, value


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise ValueError("it is cut short")
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), place
    raise ValueError("a number has no end")
