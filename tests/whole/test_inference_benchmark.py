"""The benchmark of inference runs, on a tiny setting, and what it counts is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the benchmark needs the extra `trainer`")

from benchmarks.inference.__main__ import Plan, measure
from benchmarks.inference.arithmetic import (
    Convolution,
    Product,
    Work,
    assign_parts,
    largest,
    model_work,
)
from benchmarks.inference.kept import file_of, kept, quoted
from benchmarks.inference.machine import kind_of
from benchmarks.inference.paper import PaperPipeline
from benchmarks.inference.rates import Timed, best_rates
from benchmarks.inference.report import markdown
from tests.support.paths import ROOT
from trainer.denoiser import DnCNN, macs
from trainer.signal import PaperSpectrum


@pytest.fixture(scope="module")
def paper() -> PaperPipeline:
    return PaperPipeline()


@pytest.fixture(scope="module")
def results(tiny_model_path: Path) -> dict[str, Any]:
    plan = Plan((128,), (1, 3), rounds=1, sweep_seconds=0)
    return measure(str(tiny_model_path), "cpu", plan)


def test_a_tiny_run_fills_every_table(results: dict[str, Any]) -> None:
    assert json.loads(json.dumps(results)) == results
    assert results["model"]["name"] == "tiny"
    assert {"onnxruntime", "onnxruntime-gpu"} & set(results["machine"]["packages"])
    assert "python -m benchmarks.inference" in results["command"]
    settings = {(r["threads"], r["batch"], r["decode"]) for r in results["sweep"]}
    assert settings == {(t, b, d) for t in (1, 2) for b in (1, 3) for d in (False, True)}
    assert {row["stage"] for row in results["stages"]} == {
        *("decode", "windows", "quality", "denoiser", "DFT", "statistics", "network")
    }
    assert results["processes"]["fingerprint verify"]["cpu_ms"] > 0
    memory = results["memory_mib"]
    assert memory["ours, 1 image"] > memory["import of NumPy and ONNX Runtime"] > 10
    assert markdown(results).count("### ") == 8
    assert "tiny 0.0.1 on cpu" in markdown(results)


def test_no_least_time_is_above_a_measured_one(results: dict[str, Any]) -> None:
    stages = [
        (row[f"{side}_least_ms"], row[f"{side}_best_ms"])
        for row in results["stages"]
        for side in ("ours", "paper")
        if row[f"{side}_macs"] is not None
    ]
    sessions = [(row["least_ms"], row["best_ms"]) for row in results["sessions"]]
    assert len(stages) == 2 * 7  # four parts of ours, three of the paper's
    assert len(sessions) == 2 * 2
    assert all(0 <= least <= best * 1.000001 for least, best in stages + sessions)
    least = {row["threads"]: row["least_ms"] for row in results["sessions"]}  # of one window
    calls = [(row["batch"] * least[row["threads"]], row) for row in results["sweep"]]
    assert all(ms <= row["best_latency_ms"] * 1.000001 for ms, row in calls)
    assert all(row["over_least"]["lowest"] >= 0.999999 for row in results["sessions"])


def test_rates_rise_to_what_was_seen_to_run_faster() -> None:
    seen = (("convolution", 50.0), ("convolution", 100.0), ("product", 200.0))
    rows = [{"kind": kind, "gflops": gflops} for kind, gflops in seen]
    work = Work(convolution=10**9, product=10**9)  # 20 ms and 10 ms at the best of these
    slow = best_rates(rows, 1, [Timed(40, 35, work), Timed(1, 1, None)])
    assert (slow.convolution, slow.product, slow.raised_by) == (100, 200, 1)
    assert slow.least_ms(work) == pytest.approx(30)
    fast = best_rates(rows, 1, [Timed(40, 15, work)])
    assert (fast.convolution, fast.product, fast.raised_by) == pytest.approx((200, 400, 2))


def test_every_ratio_has_its_range_and_says_what_each_side_looks_at(
    results: dict[str, Any],
) -> None:
    seen = [
        (row["threads"], row["budget"], row["paper_per_axis"]) for row in results["comparison"]
    ]
    assert seen == [(n, b, p) for n in (1, 2) for b, p in ((16, 3), (16, 4), (64, 3))]
    assert {(row["ours_windows"], row["paper_windows"]) for row in results["comparison"]} == {
        (1, 1)
    }
    ratios = [row[key] for row in results["comparison"] for key in ("ratio", "cpu_ratio")]
    ratios += [row["over_least"] for row in results["sessions"]]
    ratios += [row["over_onnxruntime"] for row in results["processes"].values()]
    assert all(0 < r["lowest"] <= r["median"] <= r["highest"] for r in ratios)


def test_targets_are_asked_measured_or_said_not_to_be(results: dict[str, Any]) -> None:
    asked = [(t["sign"], t["wanted"]) for t in results["targets"] if t["found"]]
    faster = [("≥", 30), ("≥", 10)] * 2
    assert asked == [*faster, ("≤", 120), *[("≤", 1.5)] * 4, ("≤", 3), ("≤", 120)]
    for target in results["targets"]:
        if target["found"]:
            margin = target["found"]["median"] - target["wanted"]
            assert target["met"] == (margin >= 0 if target["sign"] == "≥" else margin <= 0)
    missing = [t["what"] for t in results["targets"] if t["met"] is None]
    assert missing[-1] == "all of these on CUDA"
    assert "| all of these on CUDA | as above | not measured | - |" in markdown(results)


def test_figures_are_kept_apart_by_kind_of_processor(results: dict[str, Any]) -> None:
    assert kind_of(["avx2", "fma"]) == "avx2"
    assert kind_of(["avx2", "avx512f", "avx512_vnni"]) == "avx512"
    machine = results["machine"]
    assert machine["kind"] == kind_of(machine["features"])
    assert file_of(results) == f"speed-{machine['kind']}-{machine['maker']}.json"
    assert file_of({**results, "device": "cuda"}) == "speed-cuda.json"
    for each in kept():
        assert each["machine"]["kind"] == kind_of(each["machine"]["features"])
        assert "--quick" not in each["command"]


def test_readme_quotes_the_figures_that_are_kept(results: dict[str, Any]) -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert quoted(kept()) in readme
    slow = json.loads(json.dumps(results))
    for row in slow["comparison"]:
        row["ours_ms"], row["ratio"]["median"] = 4000, 0.1
    both = quoted([slow, results])  # from the fastest to the slowest processor
    assert "to 4000 ms whole (1 windows)" in both
    assert "takes 0.1 to " in both
    assert quoted([]) == ""


def test_the_paper_pipeline_is_the_spectrum_of_the_recipe(paper: PaperPipeline) -> None:
    """Timing the parts one by one must not change what they compute."""
    import torch

    crops = np.random.default_rng(0).integers(0, 256, (1, 3, 128, 128), np.uint8)
    whole = PaperSpectrum(paper.denoiser)
    with torch.inference_mode():
        x = torch.from_numpy(crops)
        expected, got = whole(x), paper.transform(paper.denoise(x))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * float(expected.max()))
    vector = paper.embed(crops[0].transpose(1, 2, 0))
    assert vector.shape == (2048,)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5


def test_the_papers_multiply_accumulates(paper: PaperPipeline) -> None:
    counted = paper.work(count=1)
    assert counted["denoiser"] == Work(convolution=macs(DnCNN(), 128))
    # ResNet-50 takes 4.09 G at 224 px, as published, so 49/16 times fewer here; no last layer.
    assert counted["network"].convolution == pytest.approx(4.09e9 * (128 / 224) ** 2, rel=0.01)
    assert counted["DFT"].convolution == 0
    assert paper.work(count=3)["network"].macs == 3 * counted["network"].macs


def test_the_models_multiply_accumulates(tiny_model_path: Path) -> None:
    per_pixel = 45 * 16  # 45 filters of 4 x 4, each of one channel
    assert model_work(tiny_model_path, 9) == {
        "denoiser": Work(convolution=9 * 125 * 125 * per_pixel),
        "DFT": Work(),
        "statistics": Work(),
        "network": Work(product=9 * 45 * 16),
    }
    (convolution,) = (x for x in largest(tiny_model_path, 9) if isinstance(x, Convolution))
    assert convolution.work == Work(convolution=9 * 125 * 125 * per_pixel)


def test_the_work_of_shapes() -> None:
    strided = Convolution((2, 3, 9, 8), (5, 3, 3, 2), (2, 3))
    assert strided.work == Work(convolution=2 * 5 * (4 * 3) * (3 * 3 * 2))
    assert Product((4, 6, 5, 7), (7, 2)).work == Work(product=4 * 6 * 5 * 7 * 2)
    assert Product((7, 7), (4, 7, 2)).work == Work(product=4 * 7 * 7 * 2)


def test_parts_of_a_model() -> None:
    operators = ["Cast", "Conv", "Relu", "Conv", "Sub", "MatMul", "Log", "Sub", "Conv", "Gemm"]
    parts = [*["denoiser"] * 4, *["DFT"] * 3, *["network"] * 3]
    assert assign_parts(operators) == parts
    more = ["MatMul", "Conv", "Exp", "Log"]  # statistics run before the denoiser, or after the DFT
    assert assign_parts(more + operators) == [*["statistics"] * 5, *parts[1:]]
    more += ["Mul", "ReduceMean"]
    assert assign_parts(operators[:7] + more + operators[7:]) == [
        *parts[:7],
        *["statistics"] * 6,
        *parts[7:],
    ]
