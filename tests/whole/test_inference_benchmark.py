"""The benchmark of inference runs, on a tiny setting, and what it counts is right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the benchmark needs the extra `trainer`")

from benchmarks.inference.__main__ import Plan, measure
from benchmarks.inference.paper import PaperPipeline
from benchmarks.inference.report import markdown
from benchmarks.inference.stages import assign_parts, model_macs
from trainer.denoiser import DnCNN, macs
from trainer.signal import PaperSpectrum


@pytest.fixture(scope="module")
def paper() -> PaperPipeline:
    return PaperPipeline()


def test_a_tiny_run_fills_every_table(tiny_model_path: Path) -> None:
    plan = Plan((128,), (1, 3), rounds=1, sweep_seconds=0)
    results = measure(str(tiny_model_path), "cpu", plan)
    assert json.loads(json.dumps(results)) == results
    assert results["model"]["name"] == "tiny"
    assert {"onnxruntime", "onnxruntime-gpu"} & set(results["machine"]["packages"])
    assert "python -m benchmarks.inference" in results["command"]
    settings = {(r["threads"], r["batch"], r["decode"]) for r in results["sweep"]}
    assert settings == {(t, b, d) for t in (1, 2) for b in (1, 3) for d in (False, True)}
    assert [row["threads"] for row in results["comparison"]] == [1, 2]
    assert all(row["ratio"] == row["ratio_lowest"] > 0 for row in results["comparison"])
    assert {row["stage"] for row in results["stages"]} == {
        *("decode", "windows", "quality", "denoiser", "DFT", "statistics", "network")
    }
    assert results["processes"]["fingerprint verify"]["cpu_ms"] > 0
    memory = results["memory_mib"]
    assert memory["ours, 1 image"] > memory["import of NumPy and ONNX Runtime"] > 10
    shown = markdown(results)
    assert shown.count("### ") == 6
    assert "tiny 0.0.1 on cpu" in shown


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
    counted = paper.macs(count=1)
    assert counted["denoiser"] == macs(DnCNN(), 128)
    # ResNet-50 takes 4.09 G at 224 px, as published, so 49/16 times fewer here; no last layer.
    assert counted["network"] == pytest.approx(4.09e9 * (128 / 224) ** 2, rel=0.01)


def test_the_models_multiply_accumulates(tiny_model_path: Path) -> None:
    per_pixel = 45 * 16  # 45 filters of 4 x 4, each of one channel
    assert model_macs(tiny_model_path, 9) == {
        "denoiser": 9 * 125 * 125 * per_pixel,
        "DFT": 0,
        "statistics": 0,
        "network": 9 * 45 * 16,
    }


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
