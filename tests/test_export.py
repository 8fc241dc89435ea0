"""The model file: parity with torch, metadata, what the SDK makes of it; and its calibration."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.numpy_helper import to_array
from photographs import write_photographs
from torch import Tensor, nn

from fingerprint_sdk import Calibration, Extractor, zoo
from fingerprint_sdk._golden import golden_picture
from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.images import windows as sdk_windows
from trainer.calibration import (
    DEFAULT_FMR,
    FMRS,
    SIDES,
    CalibrationRecipe,
    _contents,
    fit_calibration,
    logistic,
    pair_scores,
    thresholds,
)
from trainer.denoiser import Student
from trainer.export import PARITY, FingerprintModel, ModelCard, export_onnx, parity, to_onnx
from trainer.extractor import CompactNet, CompactSignal, Head
from trainer.photos import Photos, load_photos
from trainer.synthesis import SynthesisRecipe, paper288, read_pool, synthesize

pytestmark = pytest.mark.usefixtures("one_thread")


CALIBRATION: dict[str, Any] = {
    "default_fmr": 0.01,
    "conditions": [
        {
            "images_a": 1,
            "images_b": 1,
            "recompressed": False,
            "thresholds": {"0.1": 0.4, "0.01": 0.625, "0.001": 0.8},
            "logistic": [9.5, -4.0],
        }
    ],
}
CARD = ModelCard("toy", "1.2.3", "Apache-2.0", "A toy.", "0123456789abcdef", CALIBRATION)


def parts(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """A signal and a network like the shipped ones, with random weights."""
    torch.manual_seed(seed)
    signal = CompactSignal(Student(4, 4)).eval().requires_grad_(False)
    heads = (Head(("residual",)), Head(tuple(signal.parts)))
    network = CompactNet(signal.parts, heads=heads, widths=(8,), embedding=8)
    pictures = torch.randint(0, 256, (16, 3, 128, 128), dtype=torch.uint8)
    network.fit_input(signal(pictures))
    return signal, network.eval()


@dataclass(frozen=True)
class Exported:
    folder: Path
    model: nn.Module

    @property
    def file(self) -> Path:
        return self.folder / "model.onnx"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("zoo") / "toy"
    signal, network = parts()
    assert export_onnx(signal, network, CARD, folder) == folder / "model.onnx"
    return Exported(folder, FingerprintModel(signal, network).eval())


# the file


def test_torch_and_onnx_agree_for_any_batch(exported: Exported) -> None:
    session = onnxruntime.InferenceSession(exported.file, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    for count in (1, 2, 7):
        batch = rng.integers(0, 256, (count, 3, 128, 128), dtype=np.uint8)
        batch[0] = np.arange(128, dtype=np.uint8)  # a smooth ramp among the noise
        with torch.no_grad():
            expected = exported.model(torch.from_numpy(batch)).numpy()
        (found,) = session.run(None, {"windows": batch})
        assert found.dtype == np.float32
        assert found.shape == (count, 16)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert parity(exported.model, exported.file.read_bytes()) <= PARITY == 1e-4


def test_the_networks_matrices_are_stored_in_half_precision_and_lose_nothing() -> None:
    signal, network = parts()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    model = FingerprintModel(signal, network).eval()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    stored = {tensor.name: tensor for tensor in to_onnx(model, 128).graph.initializer}
    halves = {name: to_array(t) for name, t in stored.items() if name.endswith(".half")}
    found = {name for name in halves if name.startswith("network.")}
    large = {name for name, value in before.items() if value.ndim > 1 and value.numel() >= 4096}
    assert found == {f"network.{name}.half" for name in large} != set()
    for name in large:
        half, exact = halves[f"network.{name}.half"], model.network.state_dict()[name].numpy()
        assert half.dtype == np.float16
        np.testing.assert_array_equal(half.astype(np.float32), exact)
        np.testing.assert_allclose(exact, before[name].numpy(), rtol=1e-3, atol=1e-6)
    # Of the signal, the sines would lose something.
    assert to_array(stored["signal.spectrum.window"]).dtype == np.float32
    assert to_array(stored["network.mean"]).dtype == np.float32


def test_the_batch_size_changes_no_embedding(exported: Exported) -> None:
    session = onnxruntime.InferenceSession(exported.file, providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(2).integers(0, 256, (5, 3, 128, 128), dtype=np.uint8)
    (together,) = session.run(None, {"windows": batch})
    apart = [session.run(None, {"windows": row[None]})[0][0] for row in batch]
    np.testing.assert_allclose(together, apart, rtol=0, atol=1e-5)


def test_the_file_is_one_that_old_runtimes_read(exported: Exported) -> None:
    model = onnx.load(exported.file)
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version <= 20) for o in model.opset_import] == [("", True)]
    assert model.ir_version <= 9
    assert {p.name for p in exported.folder.iterdir()} == {"model.onnx", "config.json"}
    assert not any(t.external_data for t in model.graph.initializer)
    (source,), (result,) = model.graph.input, model.graph.output
    assert (source.name, result.name) == ("windows", "embedding")
    assert source.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert result.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    first, *rest = source.type.tensor_type.shape.dim
    assert first.dim_param
    assert not first.dim_value
    assert [dim.dim_value for dim in rest] == [3, 128, 128]
    # Kernels that ONNX Runtime lacks on CUDA, or that are slow everywhere.
    assert not {"DFT", "STFT", "Loop", "If", "Scan"} & {node.op_type for node in model.graph.node}


def test_the_file_holds_no_path_and_no_stack_trace(exported: Exported) -> None:
    content = exported.file.read_bytes()
    root = Path(__file__).resolve().parents[1]
    for forbidden in (str(root), sys.prefix, str(Path.home()), "stack_trace", ".py"):
        assert forbidden.encode() not in content, forbidden


def test_metadata_and_config_are_complete_and_agree(exported: Exported) -> None:
    model = onnx.load(exported.file)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    calibration = json.loads(metadata.pop("calibration"))
    assert metadata == {
        "name": "toy",
        "version": "1.2.3",
        "license": "Apache-2.0",
        "recipe_hash": "0123456789abcdef",
        "window_size": "128",
        "embedding_size": "16",
        "constant": "0.0",
        "threshold": "0.625",
    }
    assert calibration == CALIBRATION
    content = exported.file.read_bytes()
    config = json.loads((exported.folder / "config.json").read_text())
    with torch.no_grad():
        each = exported.model(torch.from_numpy(sdk_windows(golden_picture())))
    expected = nn.functional.normalize(each.mean(0), dim=0).numpy()
    np.testing.assert_allclose(config.pop("golden"), expected, rtol=0, atol=1e-4)
    assert config == {
        "name": "toy",
        "version": "1.2.3",
        "license": "Apache-2.0",
        "description": "A toy.",
        "window_size": 128,
        "embedding_size": 16,
        "recipe_hash": "0123456789abcdef",
        "files": {
            "model.onnx": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        },
    }


def test_the_sdk_takes_the_file_and_the_folder(exported: Exported) -> None:
    resolved = zoo.resolve(exported.folder)
    assert resolved.path == exported.file
    assert resolved.description is not None
    assert resolved.description.name == "toy"
    extractor = Extractor.from_file(exported.file, device="cpu", threads=1)
    assert (extractor.name, extractor.version, extractor.embedding_size) == ("toy", "1.2.3", 16)
    assert extractor.calibration.default_fmr == 0.01
    condition = extractor.calibration.condition(3, 1, recompressed=True)
    assert condition.threshold(0.01) == 0.625
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    with torch.no_grad():
        each = exported.model(torch.from_numpy(sdk_windows(image)))
    expected = nn.functional.normalize(each.mean(0), dim=0).numpy()
    np.testing.assert_allclose(extractor.embed(image), expected, rtol=0, atol=1e-4)


def test_the_same_run_gives_the_same_file(exported: Exported, tmp_path: Path) -> None:
    """Also in another process, and whatever torch's random state."""
    again = export_onnx(*parts(), CARD, tmp_path / "again")
    assert again.read_bytes() == exported.file.read_bytes()
    script = (
        "import sys, torch\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "import test_export as t\n"
        "torch.set_num_threads(1)\n"
        "signal, network = t.parts()\n"
        "torch.manual_seed(99)\n"
        "t.export_onnx(signal, network, t.CARD, Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path / "other")]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("model.onnx", "config.json"):
        expected = (exported.folder / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() == expected


class Unfaithful(nn.Module):
    """A signal that ONNX Runtime sees otherwise: it adds noise that only torch draws."""

    def __init__(self, signal: nn.Module) -> None:
        super().__init__()
        self.signal = signal

    def forward(self, windows: Tensor) -> Tensor:
        signal = self.signal(windows)
        if torch.compiler.is_exporting():
            return signal.roll(1, 1)
        return signal


def test_a_failed_parity_leaves_the_old_files(exported: Exported, tmp_path: Path) -> None:
    signal, network = parts(1)
    before = {}
    for path in exported.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
        before[path.name] = path.read_bytes()
    with pytest.raises(RuntimeError, match="ONNX and torch differ"):
        export_onnx(Unfaithful(signal), network, CARD, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_calibration_that_the_sdk_refuses_is_not_written(tmp_path: Path) -> None:
    """Genuine pairs that score below impostors: an extractor that learned nothing."""
    (condition,) = CALIBRATION["conditions"]
    upside_down = CALIBRATION | {"conditions": [condition | {"logistic": [-2.0, 1.0]}]}
    with pytest.raises(ModelError, match="slope must be positive"):
        export_onnx(*parts(), replace(CARD, calibration=upside_down), tmp_path / "model")
    assert not (tmp_path / "model").exists()


# the calibration

scores = st.lists(st.floats(-1, 0.999), min_size=1, max_size=300)


@given(scores)
@settings(deadline=None)
def test_thresholds_realise_no_more_than_the_nominal_rate(impostor: list[float]) -> None:
    values = np.array(impostor)
    table = thresholds(values)
    assert set(table) == {str(fmr) for fmr in FMRS}
    for fmr, threshold in ((float(key), value) for key, value in table.items()):
        assert np.mean(values >= threshold) <= fmr
        # It is the smallest such number: a step down, and some score is accepted too much.
        below = np.nextafter(threshold, -np.inf)
        assert np.mean(values >= below) > fmr
    falling = [table[str(fmr)] for fmr in sorted(FMRS)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_are_the_order_statistics_of_a_brute_force_search(dtype: type) -> None:
    values = np.random.default_rng(0).normal(0.2, 0.2, 5000).clip(-1, 1).astype(dtype)
    values[:40] = values[40]  # ties
    for key, threshold in thresholds(values).items():
        allowed = [s for s in np.unique(values) if (values > s).mean() <= float(key)]
        assert threshold == pytest.approx(float(min(allowed)), abs=1e-6)
        assert (values >= threshold).mean() <= float(key)


def test_the_logistic_is_calibrated_at_even_prior() -> None:
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(0.7, 0.1, 4000), rng.normal(0.3, 0.1, 4000)
    slope, intercept = logistic(genuine, impostor)
    # Two normal densities of one deviation: log odds = (difference / variance)(s - midpoint).
    assert slope == pytest.approx(0.4 / 0.01, rel=0.15)
    assert -intercept / slope == pytest.approx(0.5, abs=0.01)


def test_pairs_share_no_image_and_average_their_sides() -> None:
    """Embeddings that name model and image, so that each score tells which pair it came from."""
    embeddings = np.eye(12).reshape(3, 4, 12)  # every image its own axis
    rng = np.random.default_rng(0)
    genuine, impostor = pair_scores(embeddings, 2, 2, 500, rng)
    np.testing.assert_array_equal(genuine, 0)  # an image against itself would score above 0
    np.testing.assert_array_equal(impostor, 0)
    by_model = np.repeat(np.eye(3)[:, None], 4, axis=1)
    genuine, impostor = pair_scores(by_model, 1, 3, 500, rng)
    np.testing.assert_allclose(genuine, 1)
    np.testing.assert_allclose(impostor, 0, atol=1e-12)


def test_impostors_are_drawn_from_the_models_most_alike() -> None:
    """Models on a circle, ever further apart: the nearest of each is known."""
    angles = np.array([0.0, 0.1, 0.5, 0.7, 2.0])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None].repeat(2, axis=1)
    nearest = {0: 0.1, 1: 0.1, 2: 0.2, 3: 0.2, 4: 1.3}
    rng = np.random.default_rng(0)
    _, impostor = pair_scores(embeddings, 1, 1, 500, rng, 0.25)  # a quarter of four models
    assert {round(float(x), 6) for x in impostor} == {
        round(float(np.cos(x)), 6) for x in nearest.values()
    }
    _, every = pair_scores(embeddings, 1, 1, 2000, rng)
    apart = {round(float(np.cos(a - b)), 6) for a in angles for b in angles if a != b}
    assert {round(float(x), 6) for x in every} == apart


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[np.ndarray]]:
    """A real calibration on four synthetic models, and the window batches that it embedded."""
    root = tmp_path_factory.mktemp("calibration")
    photos = write_photographs(root / "photos", 5)
    chosen = (paper288(4)[2], paper288(4)[9])
    recipe = SynthesisRecipe(steps=2, batch=2, side=16, solve_crops=2)
    synthesize(photos, root / "pool", chosen, (0, 1), recipe)
    seen: list[np.ndarray] = []

    def embed(windows: np.ndarray) -> np.ndarray:
        """An axis for each model in turn, and noise: an extractor that is right on average."""
        z = np.random.default_rng(len(seen)).normal(0, 0.3, (len(windows), 3))
        z[:, len(seen) // 4] += 1  # each model is seen four times: clean, then as JPEG
        seen.append(windows)
        return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)

    pools = [(root / "pool", entry) for entry in read_pool(root / "pool")]
    small = CalibrationRecipe(models=3, images=6, side=144, collage=4, pairs=2000)
    return fit_calibration(embed, pools, load_photos(photos, side=144), small), seen


def test_a_calibration_covers_every_condition_that_its_images_allow(
    fitted: tuple[dict[str, Any], list[np.ndarray]],
) -> None:
    document, seen = fitted
    keys = [(c["images_a"], c["images_b"], c["recompressed"]) for c in document["conditions"]]
    sides = [(a, b) for a, b in SIDES if a + b <= 6]
    assert keys == [(a, b, flag) for flag in (False, True) for a, b in sides]
    assert len(seen) == 4 * 3  # three models, clean and at three JPEG qualities
    for i, batch in enumerate(seen):  # 144 px, or as JPEG 576 px, where there is a fourth window
        assert batch.shape == (6 * (16 if i % 4 else 9), 3, 128, 128)
        assert batch.dtype == np.uint8
    assert (seen[1] != seen[2]).any()
    assert document["default_fmr"] == DEFAULT_FMR


def test_a_collage_is_whole_photographs_side_by_side() -> None:
    flat = tuple(np.full((20, 20, 3), grey, np.uint8) for grey in range(0, 250, 10))
    photos = Photos(flat, tuple(map(str, range(len(flat)))), 20)
    images = _contents(photos, CalibrationRecipe(images=5, side=16), 3)
    assert images.shape == (5, 3, 48, 48)
    tiles = images[:, :, ::16, ::16]
    np.testing.assert_array_equal(images, tiles.repeat(16, axis=2).repeat(16, axis=3))
    assert len(np.unique(tiles)) > 10


def test_the_sdk_takes_a_fitted_calibration(
    fitted: tuple[dict[str, Any], list[np.ndarray]],
) -> None:
    document, _ = fitted
    calibration = Calibration.from_json(json.dumps(document))
    for condition in calibration.conditions:
        rising = np.geomspace(*condition.fmr_range, 30)
        values = [condition.threshold(float(fmr)) for fmr in rising]
        assert values == sorted(values, reverse=True)
        assert all(math.isfinite(value) for value in values)
        assert 0 <= condition.probability(-1) < condition.probability(1) <= 1
    assert calibration.condition(9, 1, recompressed=False).images_b == 5


def test_calibration_needs_two_models(tmp_path: Path) -> None:
    photos = load_photos(write_photographs(tmp_path, 1))
    with pytest.raises(ValueError, match="two held-out"):
        fit_calibration(lambda x: x, [], photos, CalibrationRecipe())
