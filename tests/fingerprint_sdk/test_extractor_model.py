"""The model behind an extractor: its file, its contract, and the default one."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from support.tiny_model import TINY_METADATA, build_tiny_model

import fingerprint_sdk as fp
from fingerprint_sdk import _default
from fingerprint_sdk.images import windows

Images = dict[str, list[np.ndarray]]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", None),
        ("calibration", None),
        ("calibration", "{}"),
        ("embedding_size", "17"),
        ("embedding_size", "many"),
        ("window_size", "64"),
        ("constant", "much"),
        ("constant", "-1"),
        ("constant", "nan"),
        ("constant", "1e9"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused(
    tmp_path: Path, key: str, value: str | None
) -> None:
    metadata = {k: v for k, v in TINY_METADATA.items() if k != key}
    if value is not None:
        metadata[key] = value
    path = build_tiny_model(tmp_path / "unfit.onnx", metadata=metadata)
    with pytest.raises(fp.ModelError):
        fp.Extractor.from_file(path, device="cpu")


def test_a_model_with_a_constant_gives_it_behind_every_embedding_of_an_image(
    tmp_path: Path, extractor: fp.Extractor, sample_images: Images
) -> None:
    path = build_tiny_model(tmp_path / "c.onnx", metadata=TINY_METADATA | {"constant": "2.0"})
    longer = fp.Extractor.from_file(path, device="cpu", threads=1)
    assert (extractor.constant, longer.constant, longer.embedding_size) == (0.0, 2.0, 17)
    images = sample_images["source0"][:2]
    one, other = longer.embed(images)
    np.testing.assert_allclose(one[-1], 2 / 5**0.5, atol=1e-6)
    np.testing.assert_allclose(one[:-1] * 5**0.5, extractor.embed(images)[0], atol=1e-5)
    score = extractor.verify(*images).score
    assert longer.verify(*images).score == pytest.approx((score + 4) / 5, abs=1e-5)
    assert float(one @ other) == pytest.approx((score + 4) / 5, abs=1e-5)
    crops = windows(images[0])
    assert (extractor.window_embedding_size, longer.window_embedding_size) == (16, 16)
    np.testing.assert_array_equal(longer.embed_windows(crops), extractor.embed_windows(crops))
    gallery = fp.Gallery(longer)
    gallery.enroll("source0", images)
    gallery.save(tmp_path / "g.fpg")
    found = fp.Gallery.load(tmp_path / "g.fpg", longer).identify(images[0])
    assert found.candidates[0].score > 0.8
    (view,), (plain,) = (
        fp.explain(images[0], model=model).images for model in (longer, extractor)
    )
    np.testing.assert_allclose(view.agreement, plain.agreement, atol=1e-6)


def test_some_other_onnx_model_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [info("x", TensorProto.FLOAT, [1])],
        [info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "other.onnx"
    onnx.save(model, str(path))
    with pytest.raises(fp.ModelError, match=r"other\.onnx.*lacks the metadata"):
        fp.Extractor.from_file(path, device="cpu")
    helper.set_model_props(model, TINY_METADATA)
    onnx.save(model, str(path))
    with pytest.raises(fp.ModelError, match="does not map windows"):
        fp.Extractor.from_file(path, device="cpu")


def test_a_missing_model_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(fp.ModelError, match=r"absent\.onnx"):
        fp.Extractor.from_file(tmp_path / "absent.onnx")


def test_load_takes_a_model_folder(tiny_model_dir: Path, extractor: fp.Extractor) -> None:
    loaded = fp.load(tiny_model_dir, device="cpu", threads=1)
    assert loaded.model_sha256 == extractor.model_sha256
    with pytest.raises(fp.ModelNotFoundError):
        fp.load(tiny_model_dir / "absent")


def test_load_refuses_a_model_whose_bytes_changed(tiny_model_dir: Path, tmp_path: Path) -> None:
    data = (tiny_model_dir / "model.onnx").read_bytes()
    (tmp_path / "config.json").write_bytes((tiny_model_dir / "config.json").read_bytes())
    (tmp_path / "model.onnx").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(fp.IntegrityError, match="sha256"):
        fp.load(tmp_path)


def test_the_module_functions_share_one_default(
    monkeypatch: pytest.MonkeyPatch,
    tiny_model_dir: Path,
    sample_images: Images,
    extractor: fp.Extractor,
) -> None:
    loads: list[fp.Extractor] = []

    def load_tiny() -> fp.Extractor:
        loads.append(fp.load(tiny_model_dir, device="cpu", threads=1))
        return loads[-1]

    monkeypatch.setattr(_default, "_default", None)
    monkeypatch.setattr(_default, "load", load_tiny)
    threads = [
        threading.Thread(target=fp.embed, args=(sample_images["source0"][0],)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    images = sample_images["source0"]
    np.testing.assert_array_equal(fp.embed(images[0]), extractor.embed(images[0]))
    assert fp.verify(images[0], images[1]) == extractor.verify(images[0], images[1])
    gallery = fp.Gallery()
    for name in sample_images:
        gallery.enroll(name, sample_images[name][:4])
    assert fp.identify(sample_images["source1"][5], gallery).best == "source1"
    assert len(loads) == 1
