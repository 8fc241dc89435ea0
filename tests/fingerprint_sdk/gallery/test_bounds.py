"""Gallery and index files of any size: read, or refused within little memory."""

from __future__ import annotations

import json
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fingerprint_sdk as fp

Images = dict[str, list[np.ndarray]]


def sparse(path: Path, tensors: dict[str, tuple[str, list[int], int]], metadata: object) -> Path:
    """A safetensors file of zeros, of which next to nothing is on the disk."""
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for name, (kind, shape, size) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return path


@pytest.mark.parametrize("large", ["embeddings", "copies", "lossy", "windows"])
def test_a_sparse_gallery_is_refused_without_memory_for_it(
    large: str, gallery: fp.Gallery, tmp_path: Path
) -> None:
    gallery.save(tmp_path / "g.fpg")
    with (tmp_path / "g.fpg").open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        metadata = json.loads(file.read(length))["__metadata__"]
    rows = dict.fromkeys(("embeddings", "copies", "lossy", "windows"), 0) | {large: 2**23}
    tensors = {
        "embeddings": ("F32", [rows["embeddings"], 16], 64 * rows["embeddings"]),
        "copies": ("F32", [rows["copies"], 16], 64 * rows["copies"]),
        "windows": ("I32", [rows["windows"]], 4 * rows["windows"]),
        "lossy": ("U8", [rows["lossy"]], rows["lossy"]),
    }
    path = sparse(tmp_path / "sparse.fpg", tensors, metadata)
    tracemalloc.start()
    try:
        with pytest.raises(fp.GalleryError, match=r"sparse\.fpg"):
            fp.Gallery.load(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["F8_E4M3", "BF16", "F64", "I4", "", None, []])
def test_types_that_no_gallery_has_are_refused(
    kind: object, gallery: fp.Gallery, tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["lossy"]["dtype"] = kind
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    with pytest.raises(fp.GalleryError, match=r"g\.fpg"):
        fp.Gallery.load(path)


def test_a_gallery_with_something_behind_it_is_refused(
    gallery: fp.Gallery, tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    data = path.read_bytes()
    for more in (b"x", data, bytes(8)):
        path.write_bytes(data + bytes(-len(data) % 8) + more)
        with pytest.raises(fp.GalleryError, match="something follows"):
            fp.Gallery.load(path)


def test_what_was_loaded_does_not_change_with_the_file(
    gallery: fp.Gallery, tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    loaded = fp.Gallery.load(path)
    path.write_bytes(bytes(path.stat().st_size))
    np.testing.assert_array_equal(loaded["source0"].embeddings, gallery["source0"].embeddings)
    np.testing.assert_array_equal(loaded["source0"].windows, gallery["source0"].windows)


def test_long_notes_are_kept_or_refused_before_the_file_is_touched(
    extractor: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    gallery = fp.Gallery(extractor)
    long = 'x"' * 7_000_000
    gallery.enroll("a", sample_images["source0"][0], notes=long, copies=False)
    gallery.save(path)
    assert fp.Gallery.load(path)["a"].notes == long
    before = path.stat().st_mtime_ns
    gallery.enroll("b", gallery["a"].embeddings, notes=long)
    gallery.enroll("c", gallery["a"].embeddings, notes=long)
    with pytest.raises(fp.GalleryError, match="shorten the notes"):
        gallery.save(path)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(fp.GalleryError, match="must be text"):
        gallery.enroll("d", gallery["a"].embeddings, notes=b"bytes")  # type: ignore[arg-type]


def test_names_of_files_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for name in ("x" * 5000, "a\0b", ""):
        for load in (fp.Gallery.load, fp.Index.load):
            with pytest.raises(fp.GalleryError):
                load(name)
        with pytest.raises(fp.ModelError):
            fp.Extractor.from_file(name)
        with pytest.raises(fp.ModelError):
            fp.load(name or "./")


@pytest.mark.skipif(sys.platform == "win32", reason="no sparse files")
def test_a_sparse_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**34)
    with pytest.raises(fp.ModelError, match=r"model\.onnx' has more than"):
        fp.load(path)


def test_old_readers_still_open_what_is_written(gallery: fp.Gallery, tmp_path: Path) -> None:
    """Notes aside, the file is one that the safetensors library reads."""
    from safetensors import safe_open

    gallery.save(tmp_path / "g.fpg")
    with safe_open(tmp_path / "g.fpg", framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        save_file(tensors, tmp_path / "again.fpg", file.metadata())
    assert fp.Gallery.load(tmp_path / "again.fpg").names == gallery.names


def test_a_sparse_index_is_refused_without_memory_for_it(index: fp.Index, tmp_path: Path) -> None:
    index.save(tmp_path / "i.fpi")
    with (tmp_path / "i.fpi").open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        metadata = json.loads(file.read(length))["__metadata__"]
    for large in ("embeddings", "lossy", "stamps", "names"):
        rows = dict.fromkeys(("embeddings", "lossy", "stamps", "names"), 0) | {large: 2**27}
        tensors = {
            "stamps": ("I64", [rows["stamps"], 2], 16 * rows["stamps"]),
            "embeddings": ("F32", [rows["embeddings"], 16], 64 * rows["embeddings"]),
            "lossy": ("U8", [rows["lossy"]], rows["lossy"]),
            "names": ("U8", [rows["names"]], rows["names"]),
        }
        path = sparse(tmp_path / "sparse.fpi", tensors, metadata)
        tracemalloc.start()
        try:
            with pytest.raises(fp.GalleryError, match=r"sparse\.fpi"):
                fp.Index.load(path)
            assert tracemalloc.get_traced_memory()[1] < 50_000_000
        finally:
            tracemalloc.stop()
