"""Gallery files: what is saved comes back, and damaged ones are refused."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

import fingerprint_sdk as fp

Images = dict[str, list[np.ndarray]]


def test_a_file_gives_back_what_was_saved(
    gallery: fp.Gallery, extractor: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    Image.fromarray(sample_images["source2"][0]).save(tmp_path / "a.jpg")
    gallery.enroll("Ünïcode 模型", [tmp_path / "a.jpg", sample_images["source2"][0]], copies=False)
    gallery.save(tmp_path / "g.fpg")
    loaded = fp.Gallery.load(tmp_path / "g.fpg", extractor)
    assert loaded.names == gallery.names
    assert loaded.model == gallery.model
    for name in gallery.names:
        np.testing.assert_array_equal(loaded[name].embeddings, gallery[name].embeddings)
        np.testing.assert_array_equal(loaded[name].lossy, gallery[name].lossy)
        np.testing.assert_array_equal(loaded[name].windows, gallery[name].windows)
        assert loaded[name].notes == gallery[name].notes
    assert loaded["Ünïcode 模型"].lossy.tolist() == [True, False]
    assert loaded["Ünïcode 模型"].windows.tolist() == [9, 9]
    probe = sample_images["source1"][5]
    assert loaded.identify(probe) == gallery.identify(probe)
    assert [path.name for path in tmp_path.iterdir()].count("g.fpg") == 1
    assert not list(tmp_path.glob("*.tmp"))


def test_notes_may_hold_a_file_name_that_is_no_unicode(
    gallery: fp.Gallery, sample_images: Images, tmp_path: Path
) -> None:
    notes = os.fsdecode(b"caf\xe9.png")
    gallery.enroll("source1", sample_images["source1"][1], notes=notes, copies=False)
    gallery.save(tmp_path / "g.fpg")
    assert fp.Gallery.load(tmp_path / "g.fpg")["source1"].notes == notes
    gallery.export_csv(tmp_path / "g.csv")
    assert "caf" in (tmp_path / "g.csv").read_text()


def test_an_empty_gallery_can_be_saved(extractor: fp.Extractor, tmp_path: Path) -> None:
    fp.Gallery(extractor).save(tmp_path / "e.fpg")
    assert len(fp.Gallery.load(tmp_path / "e.fpg", extractor)) == 0


def test_the_file_is_plain_safetensors(gallery: fp.Gallery, tmp_path: Path) -> None:
    gallery.save(tmp_path / "g.fpg")
    with safe_open(tmp_path / "g.fpg", framework="numpy") as file:
        metadata = file.metadata()
        assert file.get_tensor("embeddings").shape == (5, 16)
    assert (metadata["format"], metadata["format_version"]) == ("fingerprint-gallery", "2")
    assert metadata["model_sha256"] == gallery.model.sha256
    assert json.loads(metadata["entries"])[0] == {"name": "source0", "images": 4, "notes": "first"}


def test_a_failed_save_leaves_the_old_file(
    gallery: fp.Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    before = path.read_bytes()
    gallery.remove("source1")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(fp.GalleryError, match="No space left"):
            gallery.save(path)
    assert path.read_bytes() == before
    assert {one.name for one in tmp_path.iterdir()} == {"g.fpg", ".g.fpg.lock"}
    with pytest.raises(fp.GalleryError, match="cannot write"):
        gallery.save(tmp_path / "absent" / "g.fpg")


def test_saving_through_a_link_keeps_the_link(gallery: fp.Gallery, tmp_path: Path) -> None:
    target, link = tmp_path / "real.fpg", tmp_path / "link.fpg"
    gallery.save(target)
    link.symlink_to(target)
    gallery.remove("source1")
    gallery.save(link)
    assert link.is_symlink()
    assert fp.Gallery.load(target).names == ("source0",)


def saved(gallery: fp.Gallery, path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    gallery.save(path)
    with safe_open(path, framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return tensors, file.metadata()


def entries(*listing: dict[str, Any]) -> str:
    return json.dumps(listing)


A, B = {"name": "a", "images": 2, "notes": ""}, {"name": "b", "images": 3, "notes": ""}


@pytest.mark.parametrize(
    "metadata",
    [
        {"format": "something"},
        {"format_version": "3"},
        {"entries": "not json"},
        {"entries": "[" * 100_000},
        {"entries": "{}"},
        {"entries": "[1]"},
        {"entries": entries(A)},
        {"entries": entries(A, B, B)},
        {"entries": entries(A, A)},
        {"entries": entries(A, B | {"name": ""})},
        {"entries": entries(A | {"images": 5}, B | {"images": 0})},
        {"entries": entries(A | {"images": 7}, B | {"images": -2})},
        {"entries": entries(A | {"images": 2.0}, B)},
        {"entries": entries(A | {"notes": None}, B)},
        {"entries": entries(A, {"name": "b"})},
        {"entries": entries(A, B | {"copies": [[1, 2]]})},
        {"entries": entries(A, B | {"copies": {"jpeg": 1}})},
        {"embedding_size": "17"},
        {"embedding_size": "x"},
        {"model_sha256": None},
        {"entries": None},
    ],
)
def test_broken_metadata_are_a_gallery_error(
    gallery: fp.Gallery, tmp_path: Path, metadata: dict[str, str | None]
) -> None:
    path = tmp_path / "broken.fpg"
    tensors, good = saved(gallery, path)
    save_file(tensors, path, {k: v for k, v in {**good, **metadata}.items() if v is not None})
    with pytest.raises(fp.GalleryError):
        fp.Gallery.load(path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"embeddings": np.full((5, 16), np.nan, np.float32)},
        {"embeddings": np.zeros((5, 16), np.float32)},
        {"embeddings": np.eye(16)[:5]},
        {"embeddings": np.eye(16, dtype=np.float32)[:4]},
        {"embeddings": np.eye(16, dtype=np.float32)[0]},
        {"embeddings": np.ones((), np.float32)},
        {"embeddings": None},
        {"lossy": np.zeros(5, np.float32)},
        {"lossy": np.zeros(4, np.uint8)},
        {"lossy": np.zeros((5, 1), np.uint8)},
        {"lossy": np.zeros((), np.uint8)},
        {"windows": np.zeros((), np.int32)},
        {"copies": np.zeros((), np.float32)},
        {"lossy": None},
        {"windows": np.zeros(5, np.float32)},
        {"windows": np.zeros(4, np.int32)},
        {"windows": np.full(5, -1, np.int32)},
        {"windows": None},
    ],
)
def test_broken_tensors_are_a_gallery_error(
    gallery: fp.Gallery, tmp_path: Path, tensors: dict[str, np.ndarray | None]
) -> None:
    path = tmp_path / "broken.fpg"
    good, metadata = saved(gallery, path)
    save_file({k: v for k, v in {**good, **tensors}.items() if v is not None}, path, metadata)
    with pytest.raises(fp.GalleryError, match=r"broken\.fpg"):
        fp.Gallery.load(path)


def test_damaged_files_are_a_gallery_error(gallery: fp.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    data = path.read_bytes()
    for length in (0, 1, 8, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(fp.GalleryError, match=r"g\.fpg"):
            fp.Gallery.load(path)
    path.write_bytes(b"\xff" * 1000)
    with pytest.raises(fp.GalleryError, match=r"g\.fpg"):
        fp.Gallery.load(path)
    for other in (tmp_path / "absent.fpg", tmp_path):
        with pytest.raises(fp.GalleryError, match="check the path"):
            fp.Gallery.load(other)


def test_csv_holds_the_fingerprints_exactly(gallery: fp.Gallery, tmp_path: Path) -> None:
    gallery.rename("source1", 'a "name", with commas')
    gallery.export_csv(tmp_path / "g.csv")
    with (tmp_path / "g.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(gallery.names)
    assert (rows[0]["images"], rows[0]["notes"]) == ("4", "first")
    for row in rows:
        values = np.array([row[f"e{i}"] for i in range(16)], dtype=np.float32)
        np.testing.assert_array_equal(values, gallery[row["name"]].fingerprint)


def test_parquet_holds_everything_exactly(
    gallery: fp.Gallery, extractor: fp.Extractor, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    odd = b"\xff.png".decode(errors="surrogateescape")
    gallery.enroll("source0", gallery["source0"].embeddings[:1], notes=odd)
    gallery.export_parquet(tmp_path / "g.parquet")
    table = parquet.read_table(tmp_path / "g.parquet")
    assert table.schema.metadata[b"model_sha256"].decode() == extractor.model_sha256
    rows = table.to_pylist()
    assert [row["name"] for row in rows] == list(gallery.names)
    assert rows[0]["notes"] == "\\udcff.png"
    for row in rows:
        entry = gallery[row["name"]]
        assert row["images"] == len(entry.embeddings)
        np.testing.assert_array_equal(np.float32(row["fingerprint"]), entry.fingerprint)
        np.testing.assert_array_equal(np.float32(row["embeddings"]), entry.embeddings)
    fp.Gallery(extractor).export_parquet(tmp_path / "empty.parquet")
    assert parquet.read_table(tmp_path / "empty.parquet").num_rows == 0
