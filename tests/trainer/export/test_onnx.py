"""The model file: parity with torch, metadata, and what the SDK makes of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.numpy_helper import to_array
from support.paths import ROOT
from support.tiny_model import TINY_CALIBRATION
from torch import Tensor, nn

from fingerprint_sdk import Extractor, zoo
from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, Usual, stored
from fingerprint_sdk.images import windows as sdk_windows
from fingerprint_sdk.zoo.golden import golden_picture
from trainer.denoiser import Student
from trainer.export.onnx import PARITY, FingerprintModel, ModelCard, export_onnx, parity
from trainer.extractor import CompactRecipe, ContentsRecipe, Head
from trainer.graph import to_onnx
from trainer.signal import CompactSignal
from trainer.signal.typicality import Typicality

pytestmark = pytest.mark.usefixtures("one_thread")


COHORT = Cohort(
    stored(np.eye(16)[:4]),
    (CohortKind("webp", "coarse", 2), CohortKind("grey", "grey", 1), CohortKind("a", "other", 1)),
    nearest=2,
    others=1,
    likeness_weight=0.5,
    contrast_weight=0.75,
    usual=(Usual(1, 0.3, 0.1, 0.6), Usual(5, 0.4, 0.2, 0.5)),
)
CARD = ModelCard(
    "toy", "1.2.3", "Apache-2.0", "A toy.", "0123456789abcdef", TINY_CALIBRATION, COHORT
)


def parts(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """A signal and a network like the shipped ones, with random weights."""
    torch.manual_seed(seed)
    signal = CompactSignal(Student(4, 4)).eval().requires_grad_(False)
    heads = (Head(("residual",)), Head(tuple(signal.parts)))
    recipe = CompactRecipe(heads=heads, embedding=8, contents=ContentsRecipe(curves=512))
    network = recipe.network(signal.parts)
    pictures = torch.randint(0, 256, (16, 3, 128, 128), dtype=torch.uint8)
    network.fit_input(signal(pictures))
    for head in network.heads:
        for name in ("centre", "axes", "frequencies", "weight"):
            getattr(head.contents, name).normal_(0, 0.01)
    return signal, network.eval()


def typicality(network: nn.Module) -> Typicality:
    """Of random directions, and so that random windows are about typical."""
    rng = np.random.default_rng(5)
    size = len(network.mean)
    components = (rng.standard_normal((size, 8)) / np.sqrt(size)).astype(np.float32)
    return Typicality(np.zeros(size, np.float32), components, 1.5)


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


@pytest.fixture(scope="module")
def measuring(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """One that measures how far windows are from typical, too."""
    folder = tmp_path_factory.mktemp("zoo") / "toy"
    signal, network = parts()
    measure = typicality(network)
    export_onnx(signal, network, CARD, folder, typicality=measure)
    return Exported(folder, FingerprintModel(signal, network, measure).eval())


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
    # Of the signal, the cosines would lose something.
    assert to_array(stored["signal.blocks.kernels"]).dtype == np.float32
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
    for forbidden in (str(ROOT), sys.prefix, str(Path.home()), "stack_trace", ".py"):
        assert forbidden.encode() not in content, forbidden


def test_metadata_and_config_are_complete_and_agree(exported: Exported) -> None:
    model = onnx.load(exported.file)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    calibration = json.loads(metadata.pop("calibration"))
    read = Cohort.from_json(metadata.pop("cohort"), 16)
    np.testing.assert_array_equal(read.embeddings, COHORT.embeddings)
    for name in ("kinds", "nearest", "others", "likeness_weight", "contrast_weight", "usual"):
        assert getattr(read, name) == getattr(COHORT, name)
    assert metadata == {
        "name": "toy",
        "version": "1.2.3",
        "license": "Apache-2.0",
        "recipe_hash": "0123456789abcdef",
        "window_size": "128",
        "embedding_size": "16",
        "constant": "0.0",
    }
    assert calibration == TINY_CALIBRATION
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
    condition = extractor.calibration.condition(2, 1, treatment="grey")
    assert condition.threshold(0.01) == pytest.approx(0.955)
    assert extractor.calibration.cohort.kinds == COHORT.kinds
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    with torch.no_grad():
        each = exported.model(torch.from_numpy(sdk_windows(image)))
    expected = nn.functional.normalize(each.mean(0), dim=0).numpy()
    np.testing.assert_allclose(extractor.embed(image), expected, rtol=0, atol=1e-4)
    (quality,) = extractor.embed_with_quality(image)[1]
    assert quality.deviation is None
    assert not quality.untypical


def test_a_second_output_measures_how_typical_windows_are(measuring: Exported) -> None:
    model = onnx.load(measuring.file)
    assert [output.name for output in model.graph.output] == ["embedding", "deviation"]
    assert parity(measuring.model, measuring.file.read_bytes()) <= PARITY
    session = onnxruntime.InferenceSession(measuring.file, providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(3).integers(0, 256, (5, 3, 128, 128), dtype=np.uint8)
    with torch.no_grad():
        expected = measuring.model(torch.from_numpy(batch))
        embeddings = expected[0].numpy()
    found = session.run(None, {"windows": batch})
    for ours, theirs in zip(expected, found, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), rtol=0, atol=1e-4)
    assert found[1].shape == (5, 1)
    assert (found[1] > 0).all()

    # The SDK takes the embeddings as before, and of an image the median of its windows.
    extractor = Extractor.from_file(measuring.file, device="cpu", threads=1)
    assert extractor.embedding_size == 16
    np.testing.assert_allclose(extractor.embed_windows(batch), embeddings, rtol=0, atol=1e-4)
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    with torch.no_grad():
        each = measuring.model(torch.from_numpy(sdk_windows(image)))[1]
    (quality,) = extractor.embed_with_quality(image)[1]
    assert quality.deviation == pytest.approx(float(np.median(each.numpy())), rel=1e-3)
    assert quality.untypical == (quality.deviation > 1)


def test_parity_is_of_all_that_the_module_has(exported: Exported, measuring: Exported) -> None:
    content = measuring.file.read_bytes()
    assert parity(exported.model, content) <= PARITY  # a run alone measures no deviation
    other = typicality(exported.model.network)
    other.limit *= 1.01
    signal, network = parts()
    assert parity(FingerprintModel(signal, network, other).eval(), content) > PARITY


def test_the_same_run_gives_the_same_file(exported: Exported, tmp_path: Path) -> None:
    """Also in another process, and whatever torch's random state."""
    again = export_onnx(*parts(), CARD, tmp_path / "again")
    assert again.read_bytes() == exported.file.read_bytes()
    script = (
        "import sys, torch\n"
        "sys.path[:0] = sys.argv[1].split(':')\n"
        "from pathlib import Path\n"
        "import test_onnx as t\n"
        "torch.set_num_threads(1)\n"
        "signal, network = t.parts()\n"
        "torch.manual_seed(99)\n"
        "t.export_onnx(signal, network, t.CARD, Path(sys.argv[2]))\n"
    )
    command = [
        sys.executable,
        "-c",
        script,
        f"{Path(__file__).parent}:{ROOT / 'tests'}",
        str(tmp_path / "other"),
    ]
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
    first, *others = TINY_CALIBRATION["conditions"]
    wrong = [first | {"logistic": [-2.0, 1.0]}, *others]
    upside_down = TINY_CALIBRATION | {"conditions": wrong}
    with pytest.raises(ModelError, match="slope must be positive"):
        export_onnx(*parts(), replace(CARD, calibration=upside_down), tmp_path / "model")
    assert not (tmp_path / "model").exists()
