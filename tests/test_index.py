"""The index: search, its file, and ``fingerprint index`` and ``search``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cli_runner import Cli, write_flat, write_generators
from safetensors.numpy import load_file, save_file

import fingerprint_sdk as fp
from fingerprint_sdk._index_file import Rows


@pytest.fixture(scope="module")
def extractor(tiny_model_path: Path) -> fp.Extractor:
    return fp.load(tiny_model_path, device="cpu", threads=1)


@pytest.fixture
def index(extractor: fp.Extractor, sample_files: list[Path]) -> fp.Index:
    return fp.Index.build(sample_files, model=extractor)


def random_index(extractor: fp.Extractor, count: int) -> fp.Index:
    """An index of random unit vectors, put in directly."""
    index = fp.Index(extractor)
    embeddings = unit(np.random.default_rng(0), count, extractor.embedding_size)
    names = tuple(f"image{i}" for i in range(count))
    index._set(Rows(names, embeddings, np.zeros(count, bool), np.full((count, 2), -1)))
    return index


def unit(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    rows = rng.standard_normal((count, size), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# ---- search --------------------------------------------------------------------------------


def test_search_finds_the_same_source_first(
    extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]
):
    assert len(index) == 18
    result = index.search(sample_files[7], top=6)
    assert result.matches[0].name == str(sample_files[7])
    assert result.matches[0].score == pytest.approx(1)
    assert {Path(match.name).name[:7] for match in result.matches} == {"source1"}
    assert result.compared == 18
    json.dumps(result.as_dict(), allow_nan=False)


def test_scores_and_decisions_are_those_of_verification(
    extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]
):
    for probe in (sample_files[0], sample_files[:3]):
        result = index.search(probe, top=18, fmr=0.05)
        assert len(result.matches) == 18
        scores = [match.score for match in result.matches]
        assert scores == sorted(scores, reverse=True)
        for match in result.matches[::5]:
            expected = extractor.verify(probe, match.name, fmr=0.05)
            assert match.score == pytest.approx(expected.score, abs=1e-5)
            assert match.same == expected.same
            assert match.threshold == expected.threshold
            assert match.probability == pytest.approx(expected.probability, abs=1e-3)


def test_a_lossy_row_has_its_own_threshold(
    extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]], tmp_path: Path
):
    from PIL import Image

    jpeg = tmp_path / "a.jpg"
    Image.fromarray(sample_images["source0"][0]).save(jpeg, quality=95)
    clean = sample_images["source0"][1]
    index = fp.Index(extractor)
    index.add([jpeg])
    index.add([clean], names=["clean"])
    thresholds = {match.name: match.threshold for match in index.search(clean).matches}
    assert thresholds[str(jpeg)] == pytest.approx(thresholds["clean"] + 0.004)


def test_exact_search_is_brute_force(extractor: fp.Extractor):
    index = random_index(extractor, 500)
    probes = unit(np.random.default_rng(1), 20, extractor.embedding_size)
    places, scores = index.nearest(probes, 7)
    rows = np.stack([index._rows.embeddings[i] for i in range(500)])
    for probe, found, score in zip(probes, places, scores, strict=True):
        expected = sorted(range(500), key=lambda i: -float(rows[i] @ probe))[:7]
        assert found.tolist() == expected
        np.testing.assert_allclose(score, rows[expected] @ probe, atol=1e-6)
    assert index.nearest(probes, 10_000)[0].shape == (20, 500)


def test_the_graph_finds_what_exact_search_finds(extractor: fp.Extractor):
    pytest.importorskip("usearch", reason="needs the extra 'search'")
    index = random_index(extractor, 4000)
    probes = unit(np.random.default_rng(1), 100, extractor.embedding_size)
    exact, exact_scores = index.nearest(probes)
    index.build_graph()
    found, scores = index.nearest(probes)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)])
    assert recall >= 0.99
    # The graph is built by several threads, so which few it misses changes from build to build.
    same = found[:, 0] == exact[:, 0]
    assert same.mean() >= 0.95
    np.testing.assert_allclose(scores[same, 0], exact_scores[same, 0], atol=1e-5)
    assert (scores[:, 0] <= exact_scores[:, 0] + 1e-5).all()
    np.testing.assert_array_equal(index.nearest(probes, exact=True)[0], exact)


def test_a_changed_index_drops_its_graph(
    index: fp.Index, sample_images: dict[str, list[np.ndarray]]
):
    pytest.importorskip("usearch", reason="needs the extra 'search'")
    index.build_graph()
    pixels = sample_images["source2"][0]
    index.add([np.ascontiguousarray(pixels[:, ::-1])], names=["new"])
    assert index.search(np.ascontiguousarray(pixels[:, ::-1])).matches[0].name == "new"
    with pytest.raises(fp.GalleryError, match="empty"):
        fp.Index(index._extractor).build_graph()


def test_a_graph_may_be_searched_by_many_threads(extractor: fp.Extractor):
    pytest.importorskip("usearch", reason="needs the extra 'search'")
    index = random_index(extractor, 300)
    index.build_graph()
    probes = unit(np.random.default_rng(2), 64, extractor.embedding_size)
    expected = [index.nearest(probe[None], 5)[0].tolist() for probe in probes]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda probe: index.nearest(probe[None], 5)[0].tolist(), probes))
    assert found == expected


# ---- adding and removing -------------------------------------------------------------------


def test_unusable_images_are_left_out_and_reported(
    extractor: fp.Extractor, sample_files: list[Path], tmp_path: Path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    flat = write_flat(tmp_path / "flat.png")
    images = [flat, sample_files[0], broken, sample_files[1]]
    index = fp.Index.build(images, model=extractor)
    assert index.names == (str(sample_files[0]), str(sample_files[1]))
    assert [failure.index for failure in index.failures] == [0, 2]
    assert "flat.png" in str(index.failures[0].error)
    for bad in (flat, broken):
        with pytest.raises(fp.ImageError, match=bad.name):
            index.add([sample_files[2], bad], on_error="raise")
    assert len(index) == 2


def test_names(extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]):
    image = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    with pytest.raises(fp.GalleryError, match="give names"):
        index.add([image])
    with pytest.raises(fp.GalleryError, match="already"):
        index.add([sample_files[3]])
    with pytest.raises(fp.GalleryError, match="already"):
        index.add([image, image], names=["x", "x"])
    with pytest.raises(fp.GalleryError, match="1 names"):
        index.add([image, image], names=["x"])
    with pytest.raises(fp.GalleryError, match="2 names"):
        index.add([image], names=["x", "y"])
    for name in ("", "a\0b", None):
        with pytest.raises(fp.GalleryError, match="cannot name"):
            index.add([image], names=[name])
    with pytest.raises(fp.GalleryError, match="one image"):
        index.add(sample_files[0])
    assert len(index) == 18


def test_remove(index: fp.Index, sample_files: list[Path]):
    with pytest.raises(fp.GalleryError, match="'nobody'"):
        index.remove([str(sample_files[0]), "nobody"])
    assert len(index) == 18
    index.remove([str(sample_files[0])])
    assert str(sample_files[0]) not in index
    assert index.search(sample_files[0]).matches[0].name != str(sample_files[0])


def test_errors_of_search(extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]):
    with pytest.raises(fp.GalleryError, match="empty"):
        fp.Index(extractor).search(sample_files[0])
    with pytest.raises(fp.GalleryError, match="top"):
        index.search(sample_files[0], top=0)
    with pytest.raises(fp.OperatingPointError):
        index.search(sample_files[0], fmr=0.9)
    with pytest.raises(fp.ImageError, match="no images"):
        index.search([])
    with pytest.raises(fp.GalleryError, match="not finite and L2-normalised"):
        index.nearest(np.ones((1, extractor.embedding_size)))


# ---- the file ------------------------------------------------------------------------------


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


def test_without_usearch_search_works_and_the_graph_says_what_to_install(tiny_model_path: Path):
    program = (
        "import sys; sys.modules['usearch'] = None\n"
        "import numpy as np, fingerprint_sdk as fp\n"
        "noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)\n"
        "model = fp.load(sys.argv[1], device='cpu')\n"
        "index = fp.Index.build([noise], names=['noise'], model=model)\n"
        "print(index.search(noise).matches[0].name)\n"
        "try: index.build_graph()\n"
        "except fp.FingerprintError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_model_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("noise\n")
    assert 'pip install "fingerprint-sdk[search]"' in done.stdout


# ---- the commands --------------------------------------------------------------------------


@pytest.fixture
def cli() -> Cli:
    return Cli()


@pytest.fixture
def model(tiny_model_dir: Path) -> list[str]:
    return ["--model", str(tiny_model_dir), "--device", "cpu", "--threads", "1"]


@pytest.fixture
def generators(sample_images: dict[str, list[np.ndarray]], tmp_path: Path) -> Path:
    return write_generators(tmp_path / "generators", sample_images)


def test_index_and_search_commands(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path, other_model_path: Path
):
    out = tmp_path / "all.fpi"
    assert cli.json("index", generators, "--out", out, *model)["added"] == 18
    probe = generators / "source1" / "2.png"
    document = cli.json("search", probe, "--index", out, "--top", "6", *model)
    (found,) = document["probes"]
    assert found["matches"][0]["name"] == str(probe)
    assert {Path(m["name"]).parent.name for m in found["matches"]} == {"source1"}
    assert str(probe) in cli("search", probe, "--index", out, *model)
    together = ["search", generators / "source0", "--together", "--index", out, *model]
    assert len(cli.json(*together)["probes"]) == 1
    assert "tiny" in cli.fails("search", probe, "-i", out, "--model", other_model_path)
    assert "none.fpi" in cli.fails("search", probe, "-i", tmp_path / "none.fpi", *model)


def test_index_command_resumes(cli: Cli, generators: Path, model: list[str], tmp_path: Path):
    out = tmp_path / "all.fpi"
    command = ["index", generators, "--out", out, "--half", *model]
    cli.json("index", generators / "source0", "--out", out, "--half", *model)
    resumed = cli.json(*command)
    assert (resumed["added"], resumed["unchanged"], resumed["images"]) == (12, 6, 18)
    before = out.read_bytes()
    again = cli.json(*command)
    assert (again["added"], again["unchanged"], again["images"]) == (0, 18, 18)
    assert out.read_bytes() == before

    (generators / "source0" / "0.png").unlink()
    os.replace(generators / "source0" / "1.png", generators / "source2" / "1.png")
    changed = cli.json(*command)
    gone = [str(generators / "source0" / f"{i}.png") for i in range(2)]
    assert changed["gone"] == gone
    assert (changed["added"], changed["unchanged"], changed["images"]) == (1, 15, 16)
    names = fp.Index.load(out).names
    assert sorted(names) == sorted(map(str, generators.rglob("*.png")))


def test_index_command_reports_bad_files_and_keeps_the_good(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    out = tmp_path / "all.fpi"
    bad = generators / "source2" / "bad.png"
    bad.write_bytes(b"no picture")
    flat = write_flat(generators / "flat.png")
    document = cli.json("index", generators, "--out", out, *model)
    assert document["added"] == 18
    assert sorted(entry["path"] for entry in document["skipped"]) == sorted(map(str, (bad, flat)))
    assert "bad.png" in cli.stderr
    assert "2 skipped" in cli("index", generators, "--out", out, *model)
    assert "bad.png" in cli.fails("index", bad, "--out", out, "--on-error", "raise", *model)


def test_index_command_leaves_a_damaged_file_alone(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    out = tmp_path / "all.fpi"
    out.write_bytes(b"something else")
    assert "all.fpi" in cli.fails("index", generators, "--out", out, *model)
    assert out.read_bytes() == b"something else"
    assert "folder" in cli.fails("index", generators, "--out", tmp_path / "no" / "x.fpi", *model)


def test_index_command_keeps_what_it_had_done(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fingerprint_sdk.cli._index._CHUNK", 5)
    (generators / "source1" / "5.png").write_bytes(b"no picture")
    out = tmp_path / "all.fpi"
    stopping = ["index", generators, "--out", out, "--on-error", "raise", *model]
    assert "5.png" in cli.fails(*stopping)
    assert len(fp.Index.load(out)) == 10
