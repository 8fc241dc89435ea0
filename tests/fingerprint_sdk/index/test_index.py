"""The index: search, exact and by a graph, and adding and removing images."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.cli_runner import write_flat

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.side import side_of
from fingerprint_sdk.index.add import new_rows
from fingerprint_sdk.index.result import judged
from fingerprint_sdk.index.rows import Rows


def random_index(extractor: fp.Extractor, count: int) -> fp.Index:
    """An index of random unit vectors, put in directly."""
    index = fp.Index(extractor)
    embeddings = unit(np.random.default_rng(0), count, extractor.embedding_size)
    names = tuple(f"image{i}" for i in range(count))
    index._extend(Rows(names, (embeddings,), np.zeros(count, np.uint8), np.full((count, 2), -1)))
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
    json.dumps(result.to_dict(), allow_nan=False)


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


def test_what_happened_to_an_image_counts_as_in_verification(
    extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]], tmp_path: Path
):
    from PIL import Image

    picture, clean = sample_images["source0"][:2]
    for name, options in (("fine.jpg", {"quality": 95}), ("coarse.jpg", {"quality": 60})):
        Image.fromarray(picture).save(tmp_path / name, **options)
    Image.fromarray(picture).convert("L").save(tmp_path / "grey.png")
    Image.fromarray(picture).save(tmp_path / "clean.png")
    files = sorted(str(path) for path in tmp_path.iterdir())
    index = fp.Index.build(files, model=extractor)
    index.save(tmp_path / "x.fpi")
    thresholds = set()
    for opened in (index, fp.Index.load(tmp_path / "x.fpi", extractor)):
        matches = {match.name: match for match in opened.search(clean).matches}
        assert sorted(matches) == files
        for file, match in matches.items():
            expected = extractor.verify(clean, file)
            assert match.threshold == expected.threshold
            if not file.endswith(".jpg"):  # `verify` recompresses the clean one
                ratio = expected.likelihood_ratio
                assert match.likelihood_ratio == pytest.approx(ratio, rel=1e-3)
                assert match.same == (expected.verdict == "same")
            thresholds.add(match.threshold)
    assert len(thresholds) > 2, "the calibration tells none of these apart"


def test_of_what_earlier_versions_kept_the_strictest_counts(
    extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]
):
    rows = index._content()
    side = side_of(rows.embeddings(np.array([3])), (), extractor.calibration)
    found = {}
    for mark in (1, 2, 3):
        changed = replace(rows, marks=np.full(len(rows), mark, np.uint8))
        (found[mark],) = judged(changed, np.array([0]), side, extractor.calibration, 0.01)
    assert found[2].threshold != found[3].threshold
    assert found[1].threshold == max(found[2].threshold, found[3].threshold)
    ratios = [found[mark].likelihood_ratio for mark in (2, 3)]
    assert found[1].likelihood_ratio == min(ratios)


def test_an_untypical_image_is_left_out_like_a_flat_one(
    extractor: fp.Extractor, sample_files: list[Path]
):
    result = extractor.embed_many(sample_files[:3])
    quality = tuple(
        replace(one, deviation=deviation)
        for one, deviation in zip(result.quality, (0.9, 1.1, None), strict=True)
    )
    result, names = replace(result, quality=quality), ["a", "b", "c"]
    rows, left_out = new_rows(result, names, [(0, 0)] * 3, half=False)
    assert rows.names == ("a", "c")
    assert [one.index for one in left_out] == [1]
    assert "'b' is untypical" in str(left_out[0].error)


def test_search_takes_embeddings(
    extractor: fp.Extractor, index: fp.Index, sample_files: list[Path]
):
    probes = sample_files[:3]
    embeddings, quality = extractor.embed_with_quality(probes)
    expected = index.search(probes)
    assert index.search(embeddings, quality=quality) == expected
    blind = index.search(embeddings)
    assert [match.name for match in blind.matches] == [match.name for match in expected.matches]
    assert blind.quality == ()
    assert json.loads(blind.to_json()) == blind.to_dict()
    with pytest.raises(fp.FingerprintError, match="L2-normalised"):
        index.search(2 * embeddings)


def test_a_match_is_judged_by_its_likelihood_ratio(index: fp.Index, sample_files: list[Path]):
    for match in index.search(sample_files[0], top=18).matches:
        ratio = match.likelihood_ratio
        assert match.probability == pytest.approx(ratio / (1 + ratio))
        assert match.same == (match.score >= match.threshold and ratio > 1)


def test_nothing_is_said_of_a_flat_probe(index: fp.Index, tmp_path: Path):
    matches = index.search(write_flat(tmp_path / "flat.png"), top=18).matches
    assert {(match.likelihood_ratio, match.same) for match in matches} == {(1.0, False)}


def test_exact_search_is_brute_force(extractor: fp.Extractor):
    index = random_index(extractor, 500)
    probes = unit(np.random.default_rng(1), 20, extractor.embedding_size)
    places, scores = index.nearest(probes, 7)
    rows = index._rows.embeddings(np.arange(500))
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
    index: fp.Index, extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]]
):
    pytest.importorskip("usearch", reason="needs the extra 'search'")
    index.build_graph()
    pixels = sample_images["source2"][0]
    index.add([np.ascontiguousarray(pixels[:, ::-1])], names=["new"])
    assert index.search(np.ascontiguousarray(pixels[:, ::-1])).matches[0].name == "new"
    with pytest.raises(fp.GalleryError, match="empty"):
        fp.Index(extractor).build_graph()


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
    assert "pip install usearch" in done.stdout
