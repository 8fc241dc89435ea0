"""A model with data in other files is refused, wherever the tensor is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import fingerprint_sdk as fp
from fingerprint_sdk.runtime.onnx_file import check_whole


@pytest.fixture
def model(tiny_model_path: Path) -> onnx.ModelProto:
    return onnx.load(str(tiny_model_path))


def outside() -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "outside")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "secret.bin"
    return tensor


def in_a_graph(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(outside())


def in_an_attribute(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["x"], value=outside()))


def in_a_graph_of_an_attribute(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([], "inner", [], [], [outside()])
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner))


def in_a_sparse_tensor(model: onnx.ModelProto) -> None:
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(outside())


def in_a_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["x"], value=outside())
    model.functions.append(helper.make_function("d", "f", [], ["x"], [node], []))


def with_a_location_only(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


@pytest.mark.parametrize(
    "put",
    [
        in_a_graph,
        in_an_attribute,
        in_a_graph_of_an_attribute,
        in_a_sparse_tensor,
        in_a_function,
        with_a_location_only,
    ],
)
def test_a_tensor_in_another_file_is_found(
    model: onnx.ModelProto, put: Callable[[onnx.ModelProto], None]
) -> None:
    check_whole(model.SerializeToString(), "x")
    put(model)
    with pytest.raises(fp.ModelError, match=r"x keeps data in another file"):
        check_whole(model.SerializeToString(), "x")


def test_a_file_in_the_working_folder_is_not_read(
    model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(
        model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    assert (tmp_path / "weights.bin").stat().st_size > 0
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fp.ModelError, match=r"model\.onnx.* keeps data in another file"):
        fp.Extractor.from_file("model.onnx", device="cpu")


def test_the_shipped_model_is_whole() -> None:
    assert fp.load(device="cpu").name == "compact"


@pytest.mark.parametrize(
    "content",
    [b"\x0b", b"\x3a\xff", b"\xff" * 11, b"\x3a\x02\x0a", b"\x08", b"\x39\0\0", b"ORTM" * 9],
)
def test_what_is_no_protobuf_is_a_model_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)
    with pytest.raises(fp.ModelError, match=r"odd\.onnx"):
        fp.Extractor.from_file(path, device="cpu")


def test_deep_nesting_is_a_model_error() -> None:
    content = b""
    for _ in range(120):  # a graph in an attribute of a node of a graph ...
        for number in (6, 5, 1):
            length = len(content)
            size = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14])
            content = bytes([number << 3 | 2]) + size + content
    size = bytes([len(content) & 127 | 128, len(content) >> 7 & 127 | 128, len(content) >> 14])
    with pytest.raises(fp.ModelError, match="too deeply"):
        check_whole(b"\x3a" + size + content, "x")
    assert sys.getrecursionlimit() >= 1000


def test_metadata_that_are_no_texts_are_a_model_error(
    tiny_model_path: Path, tmp_path: Path
) -> None:
    data = tiny_model_path.read_bytes()
    path = tmp_path / "odd.onnx"
    for good, bad in ((b"Apache-2.0", b"Apache-\xff.0"), (b"recipe_hash", b"recipe_\xffash")):
        assert data.count(good) >= 1
        path.write_bytes(data.replace(good, bad))
        with pytest.raises(fp.ModelError, match=r"odd\.onnx"):
            fp.Extractor.from_file(path, device="cpu")
