"""Grouping without labels: groups, calibration, score, and ``fingerprint cluster``."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from support.calibrations import calibration, one_kind
from support.cli_runner import Cli, write_flat

import fingerprint_sdk as fp
from fingerprint_sdk.clustering import (
    ALONE,
    MAX_AGGLOMERATIVE,
    cluster_embeddings,
    memory_needed,
)
from fingerprint_sdk.clustering.memory import _free_memory, _left_to
from fingerprint_sdk.embedding import cosine, mean_embedding
from fingerprint_sdk.evidence.verdict import probability

pytest.importorskip("sklearn", reason="needs the extra 'cluster'")

PLAIN = calibration(size=64)


@pytest.fixture
def heap(sample_images: dict[str, list[np.ndarray]]) -> tuple[list[np.ndarray], list[str]]:
    """All sample images in a shuffled order, and their sources."""
    pairs = [(image, name) for name, images in sample_images.items() for image in images]
    order = np.random.default_rng(0).permutation(len(pairs))
    return [pairs[i][0] for i in order], [pairs[i][1] for i in order]


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def bundles(groups: int, size: int, spread: float, *, singles: int = 0) -> np.ndarray:
    """``groups`` bundles of unit vectors around orthogonal axes, then lone axes."""
    axes = np.repeat(np.eye(64)[:groups], size, axis=0)
    lone = np.eye(64)[groups : groups + singles]
    noise = np.random.default_rng(1).standard_normal((groups * size, 64)) * spread
    return unit(np.concatenate([axes + noise, lone]))


@pytest.mark.parametrize("method", ["agglomerative", "hdbscan"])
def test_images_are_grouped_by_source(extractor: fp.Extractor, heap, method: str):
    images, truth = heap
    result = fp.cluster(images, model=extractor, method=method)
    score = result.score(truth)
    assert (score.images, score.adjusted_rand, score.v_measure) == (18, 1.0, 1.0)
    assert [len(group) for group in result.groups] == [6, 6, 6]
    for number, group in enumerate(result.groups):
        assert all(result.labels[place] == number for place in group)
        assert len({truth[place] for place in group}) == 1
    assert all(0.5 < strength <= 1 for strength in result.strength)


def test_the_groups_do_not_depend_on_the_order(extractor: fp.Extractor, heap):
    images, _ = heap
    forwards = fp.cluster(images, model=extractor)
    backwards = fp.cluster(images[::-1], model=extractor)
    last = len(images) - 1
    there = {frozenset(group) for group in forwards.groups}
    assert there == {frozenset(last - place for place in group) for group in backwards.groups}


def test_strength_is_the_calibrated_probability_of_verification(extractor: fp.Extractor, heap):
    images, _ = heap
    result = fp.cluster(images, model=extractor)
    group = result.groups[0]
    rest = [images[place] for place in group[1:]]
    verification = extractor.verify(images[group[0]], rest)
    assert result.strength[group[0]] == pytest.approx(verification.probability, abs=1e-6)


def test_singles_stay_alone():
    embeddings = bundles(3, 5, 0.02, singles=4)
    result = cluster_embeddings(embeddings, PLAIN)
    assert [len(group) for group in result.groups] == [5, 5, 5]
    assert result.labels[-4:] == (ALONE,) * 4
    assert result.strength[-4:] == (0.0,) * 4


def test_one_generator_only_is_one_group():
    result = cluster_embeddings(bundles(1, 8, 0.02), PLAIN)
    assert result.groups == (tuple(range(8)),)


def test_the_cut_is_calibrated():
    """Two vectors are joined at the threshold itself, and not a little below it."""
    plain = calibration()
    condition = plain.condition(1, 1)
    for fmr, rate in ((None, plain.default_fmr), (0.05, 0.05), (0.02, 0.02)):
        cut = condition.threshold(rate)
        for score, groups in ((cut + 1e-6, 1), (cut - 1e-6, 0)):
            pair = np.array([[1, 0], [score, np.sqrt(1 - score**2)]])
            result = cluster_embeddings(pair, plain, fmr=fmr)
            assert (result.threshold, result.fmr) == (cut, rate)
            assert len(result.groups) == groups


def test_what_processing_explains_joins_nobody():
    """Two images that are like one processed photograph lose so much of their score."""
    photograph = np.eye(64, dtype=np.float32)[:1]
    cohort = one_kind(photograph, base=0.5)
    side = np.sqrt(1 - 0.8**2)
    pair = np.zeros((2, 64), np.float32)
    pair[:, 0], pair[0, 1], pair[1, 2] = 0.8, side, side
    cut = PLAIN.condition(1, 1).threshold(0.01)
    assert cut < cosine(*pair) < cut + 2 * (0.8 - 0.5)
    assert cluster_embeddings(pair, PLAIN).labels == (0, 0)
    assert cluster_embeddings(pair, calibration(cohort)).labels == (ALONE, ALONE)


def test_a_processed_image_or_one_of_few_windows_moves_the_cut(
    extractor: fp.Extractor, heap, tmp_path: Path
):
    from PIL import Image

    images, _ = heap
    Image.fromarray(images[0]).save(tmp_path / "a.jpg")
    known = extractor.calibration
    result = fp.cluster([tmp_path / "a.jpg", *images[1:3]], model=extractor, fmr=0.01)
    coarse = known.condition(1, 1, treatment="coarse")
    assert result.threshold == coarse.threshold(0.01) > known.condition(1, 1).threshold(0.01)
    result = fp.cluster([images[0][:128, :128], *images[1:3]], model=extractor, fmr=0.01)
    assert result.threshold == known.condition(1, 1, windows=1).threshold(0.01)


def test_small_groups_are_none():
    embeddings = unit(np.concatenate([bundles(1, 3, 0.02), np.eye(64)[[5, 5]]]))
    result = cluster_embeddings(embeddings, PLAIN, min_images=3)
    assert result.groups == ((0, 1, 2),)
    assert result.labels == (0, 0, 0, ALONE, ALONE)


def test_flat_and_broken_images_are_set_apart(extractor: fp.Extractor, heap, tmp_path: Path):
    images, _ = heap
    flats = [np.full((150, 150, 3), level, np.uint8) for level in (7, 90)]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    inputs = [flats[0], *images[:4], broken, flats[1], *images[4:]]
    result = fp.cluster(inputs, model=extractor)
    assert [result.labels[place] for place in (0, 5, 6)] == [ALONE] * 3
    assert [(f.index, "broken.png" in str(f.error)) for f in result.failures] == [(5, True)]
    assert result.quality[5] is None
    assert result.quality[0] is not None
    assert result.quality[0].flat
    assert sum(len(group) for group in result.groups) == 18
    places = {place for group in result.groups for place in group}
    assert places.isdisjoint({0, 5, 6})
    assert json.loads(result.to_json()) == result.to_dict()
    with pytest.raises(fp.ImageError, match=r"broken\.png"):
        fp.cluster(inputs, model=extractor, on_error="raise")


@pytest.mark.parametrize("method", ["agglomerative", "hdbscan"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_tiny_heaps(extractor: fp.Extractor, heap, method: str, count: int):
    result = fp.cluster(heap[0][:count], model=extractor, method=method)
    assert len(result.labels) == len(result.strength) == count


def test_a_row_without_direction_is_alone():
    embeddings = np.concatenate([bundles(1, 3, 0.02), np.zeros((1, 64), np.float32)])
    assert cluster_embeddings(embeddings, PLAIN).labels == (0, 0, 0, ALONE)


def test_score_leaves_out_unknown_truth_and_tells_singles_apart():
    result = cluster_embeddings(bundles(2, 2, 0.01, singles=2), PLAIN)
    assert result.labels == (0, 0, 1, 1, ALONE, ALONE)
    assert result.score(["a", "a", "b", "b", "c", "d"]).adjusted_rand == 1.0
    # Were -1 a group, the two lone ones would count as a true group of "c" here.
    assert result.score(["a", "a", "b", "b", "c", "c"]).completeness < 1
    assert result.score(["a", "a", "b", None, None, None]).images == 3
    with pytest.raises(fp.FingerprintError, match="2 entries for 6"):
        result.score(["a", "b"])
    with pytest.raises(fp.FingerprintError, match="nothing to score"):
        result.score([None] * 6)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"method": "magic"}, "'magic'"),
        ({"min_images": 1}, "at least 2"),
        ({"fmr": 0.9}, "0.001 to "),
        ({"fmr": 0.01, "method": "hdbscan"}, "no meaning"),
    ],
)
def test_invalid_arguments(extractor: fp.Extractor, arguments, error: str):
    with pytest.raises(fp.FingerprintError, match=error):
        fp.cluster([], model=extractor, **arguments)


def test_too_many_images_are_refused_before_any_is_opened(extractor: fp.Extractor, tmp_path: Path):
    missing = [tmp_path / "none.png"] * (MAX_AGGLOMERATIVE + 1)
    for heap in (missing, tuple(missing)):
        with pytest.raises(fp.FingerprintError, match="20001 images would not fit"):
            fp.cluster(heap, model=extractor, on_error="raise")
    with pytest.raises(fp.ImageError, match=r"none\.png"):
        fp.cluster(missing, model=extractor, method="hdbscan", on_error="raise")


def test_an_iterator_that_goes_on_for_ever_ends(
    extractor: fp.Extractor, heap, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fingerprint_sdk.clustering.memory.MAX_AGGLOMERATIVE", 10)
    with pytest.raises(fp.FingerprintError, match=r"11 images .* \(limit 10\)"):
        fp.cluster(cycle(heap[0]), model=extractor)
    assert len(fp.cluster(iter(heap[0][:10]), model=extractor).labels) == 10


def test_what_the_machine_has_not_is_not_begun(
    extractor: fp.Extractor, heap, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fingerprint_sdk.clustering.memory._free_memory", lambda: 2_000)
    with pytest.raises(fp.FingerprintError, match=r"18 images takes .* GB of memory, of which"):
        fp.cluster(heap[0], model=extractor)
    assert fp.cluster(heap[0][:15], model=extractor).groups


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux")
def test_the_free_memory_is_known():
    assert 2**20 < _free_memory() < 2**50


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_in_a_container_what_is_taken_is_not_free(tmp_path: Path):
    told = {"memory.max": "3000\n", "memory.current": "1000\n"}
    told["memory.stat"] = "anon 700\ninactive_file 200\nactive_file 100\n"
    for name, text in told.items():
        (tmp_path / name).write_text(text)
    assert _left_to(tmp_path) == 2200
    (tmp_path / "memory.max").write_text("max\n")
    with pytest.raises(ValueError, match="max"):
        _left_to(tmp_path)


def test_grouping_takes_the_memory_it_says():
    program = (
        "import numpy as np\n"
        "from fingerprint_sdk.clustering.linkage import labels_of\n"
        "def peak():\n"
        "    lines = open('/proc/self/status').read().splitlines()\n"
        "    return next(int(x.split()[1]) for x in lines if x.startswith('VmHWM')) * 1024\n"
        "rows = np.random.default_rng(0).standard_normal((5000, 8))\n"
        "labels_of(rows[:9], np.zeros(9), 'agglomerative', 0.5, 2)\n"
        "before = peak()\n"
        "labels_of(rows, np.zeros(5000), 'agglomerative', 0.5, 2)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == pytest.approx(memory_needed(5000), rel=0.15)


def test_a_large_group_has_the_strengths_of_its_images():
    embeddings = bundles(1, 3000, 0.1)
    strength = cluster_embeddings(embeddings, PLAIN).strength
    condition = PLAIN.condition(1, 2999)
    for place in (0, 1234, 2999):
        rest = mean_embedding(np.delete(embeddings, place, axis=0))
        score = cosine(embeddings[place], rest)
        expected = probability(condition.likelihood_ratio(score), 0.5)
        assert strength[place] == pytest.approx(expected, abs=1e-6)


def test_without_scikit_learn_the_error_says_what_to_install(tiny_model_path: Path):
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import fingerprint_sdk as fp\n"
        "try: fp.cluster([], model=fp.load(sys.argv[1], device='cpu'))\n"
        "except fp.FingerprintError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_model_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install scikit-learn" in done.stdout


# ---- the command ---------------------------------------------------------------------------


def test_cluster_command(cli: Cli, generators: Path, model: list[str]):
    document = cli.json("cluster", generators, "--truth", "folder", *model)
    assert document["score"]["adjusted_rand"] == 1.0
    assert document["paths"] == sorted(map(str, generators.rglob("*.png")))
    assert document["labels"] == [0] * 6 + [1] * 6 + [2] * 6
    table = cli("cluster", generators, "--truth", "folder", *model)
    assert "3 groups, 0 images in none" in table
    assert "adjusted rand" in table


def test_cluster_command_says_what_memory_it_takes(
    cli: Cli, generators: Path, model: list[str], monkeypatch: pytest.MonkeyPatch
):
    cli("cluster", generators, *model)
    assert "memory" not in cli.stderr
    monkeypatch.setattr("fingerprint_sdk.clustering.memory_needed", lambda images: images * 10**8)
    cli("cluster", generators, *model)
    assert "grouping 18 images takes up to 1.8 GB of memory" in " ".join(cli.stderr.split())
    cli("cluster", generators, "--method", "hdbscan", *model)
    assert "memory" not in cli.stderr


def test_cluster_command_skips_and_scores_by_csv(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    (generators / "bad.png").write_bytes(b"no picture")
    flat = write_flat(tmp_path / "flat.png")
    rows = [f"generators/source{s}/{i}.png,{'xyz'[s]}" for s in range(3) for i in range(6)]
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(["path,label", *rows]))
    assert "bad.png" in cli.fails("cluster", generators, "--on-error", "raise", *model)
    skipping = ["cluster", generators, flat, "--truth", truth, *model]
    document = cli.json(*skipping)
    assert document["score"]["images"] == 18
    assert document["score"]["v_measure"] == 1.0
    assert [failure["index"] for failure in document["failures"]] == [0]
    assert "bad.png" in cli.stderr
    assert "flat" in cli(*skipping)


def test_cluster_command_refuses_a_bad_truth(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    truth = tmp_path / "truth.csv"
    truth.write_text("file,model\na.png,x\n")
    assert "label and path" in cli.fails("cluster", generators, "--truth", truth, *model)
    assert "nowhere.csv" in cli.fails("cluster", generators, "--truth", "nowhere.csv", *model)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no image" in cli.fails("cluster", empty, *model)
