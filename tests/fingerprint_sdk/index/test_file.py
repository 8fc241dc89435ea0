"""Index files: what is saved comes back, and damaged ones are refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import fingerprint_sdk as fp


@pytest.mark.parametrize("half", [False, True])
def test_the_file_keeps_everything(
    extractor: fp.Extractor, sample_files: list[Path], tmp_path: Path, half: bool
):
    index = fp.Index.build(sample_files, model=extractor, half=half)
    odd = os.fsdecode(b"caf\xe9 \xff\n.png")  # a file name that is no text
    index.add([np.asarray(sample_noise())], names=[odd])
    path = tmp_path / "x.fpi"
    index.save(path)
    again = fp.Index.load(path, extractor)
    assert again.names == index.names
    assert odd in again
    assert (again.half, again.model) == (half, index.model)
    assert again.stamp(str(sample_files[0]))[0] == sample_files[0].stat().st_size
    assert again.stamp(odd) == (-1, -1)
    assert again.search(sample_files[4]) == index.search(sample_files[4])
    again.save(tmp_path / "y.fpi")
    for name, tensor in load_file(tmp_path / "y.fpi").items():
        np.testing.assert_array_equal(tensor, load_file(path)[name])
    assert load_file(path)["embeddings"].dtype == (np.float16 if half else np.float32)


def sample_noise() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (140, 140, 3), np.uint8)


def test_half_scores_are_near(extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]):
    half = fp.Index.build(sample_files, model=extractor, half=True)
    full_scores = {m.name: m.score for m in index.search(sample_files[0], 18).matches}
    for match in half.search(sample_files[0], 18).matches:
        assert match.score == pytest.approx(full_scores[match.name], abs=1e-3)


def test_another_models_index_is_refused(
    index: fp.Index, other_model_path: Path, sample_files: list[Path], tmp_path: Path
):
    index.save(tmp_path / "x.fpi")
    other = fp.load(other_model_path, device="cpu", threads=1)
    with pytest.raises(fp.GalleryError, match=index.model.sha256[:12]):
        fp.Index.load(tmp_path / "x.fpi", other)


def test_a_gallery_is_not_an_index_and_the_other_way_round(
    extractor: fp.Extractor, index: fp.Index, tmp_path: Path
):
    index.save(tmp_path / "x.fpi")
    fp.Gallery(extractor).save(tmp_path / "x.fpg")
    with pytest.raises(fp.GalleryError, match="not an index"):
        fp.Index.load(tmp_path / "x.fpg")
    with pytest.raises(fp.GalleryError, match="not a gallery"):
        fp.Gallery.load(tmp_path / "x.fpi")


def damaged_tensors(path: Path, **changes: np.ndarray | None) -> Path:
    """Write the tensors of an index again, some changed, under the same metadata."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    tensors = {**load_file(path), **changes}
    damaged = path.with_name("damaged.fpi")
    save_file({k: v for k, v in tensors.items() if v is not None}, damaged, metadata)
    return damaged


@pytest.mark.parametrize(
    "changes",
    [
        {"embeddings": np.zeros((18, 16), np.float32)},
        {"embeddings": np.full((18, 16), np.nan, np.float32)},
        {"embeddings": np.eye(18, 17, dtype=np.float32)},
        {"embeddings": np.eye(16, dtype=np.float32)},
        {"embeddings": np.eye(16, dtype=np.float64)},
        {"embeddings": None},
        {"lossy": np.zeros(17, np.uint8)},
        {"lossy": np.full(18, 6, np.uint8)},
        {"stamps": np.zeros((18, 3), np.int64)},
        {"names": np.frombuffer(b"a\0b\0", np.uint8)},
        {"names": np.frombuffer(b"a\0" * 18, np.uint8)},
        {"names": np.frombuffer(b"\0" * 18, np.uint8)},
        {"names": np.frombuffer(b"\xff\0" * 18, np.uint8)},
    ],
)
def test_damaged_tensors_are_refused(index: fp.Index, tmp_path: Path, changes):
    index.save(tmp_path / "x.fpi")
    with pytest.raises(fp.GalleryError, match=r"damaged\.fpi"):
        fp.Index.load(damaged_tensors(tmp_path / "x.fpi", **changes))


def test_cut_files_are_refused(index: fp.Index, tmp_path: Path):
    index.save(tmp_path / "x.fpi")
    data = (tmp_path / "x.fpi").read_bytes()
    cut = tmp_path / "cut.fpi"
    for size in (0, 5, 100, len(data) - 1):
        cut.write_bytes(data[:size])
        with pytest.raises(fp.GalleryError, match=r"cut\.fpi"):
            fp.Index.load(cut)
    with pytest.raises(fp.GalleryError, match="no index file"):
        fp.Index.load(tmp_path / "none.fpi")
    with pytest.raises(fp.GalleryError, match="cannot write"):
        index.save(tmp_path / "nowhere" / "x.fpi")
