"""Sessions run on the device asked for, and failures say what to do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from support.paths import ROOT

from fingerprint_sdk.errors import DeviceError, ModelError
from fingerprint_sdk.runtime import open_session
from fingerprint_sdk.runtime.io_binding import BoundModel, bucket


@pytest.fixture(scope="module")
def model(tiny_model_path: Path) -> bytes:
    return tiny_model_path.read_bytes()


def test_the_cpu_is_used_when_asked_for(model: bytes) -> None:
    session = open_session(model, "tiny", device="cpu", threads=1)
    assert session.device == "cpu"
    assert session.providers == ("CPUExecutionProvider",)
    assert session.ort.get_session_options().intra_op_num_threads == 1


def test_auto_logs_the_device_it_took(model: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="fingerprint_sdk"):
        session = open_session(model, "tiny", device="auto")
    assert f"running on {session.device}" in caplog.text


def test_cuda_is_really_used_or_refused(model: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    refusal = ""
    try:
        session = open_session(model, "tiny", device="cuda")
    except DeviceError as error:
        refusal = str(error)
    # No provider, no driver, or no libraries: each says which, and prints nothing beside it.
    if refusal:
        assert re.search("no CUDA provider|no NVIDIA driver|could not load", refusal)
        assert capfd.readouterr() == ("", "")
    else:
        assert session.providers[0] == "CUDAExecutionProvider"


def test_a_broken_model_is_not_called_a_device_problem(model: bytes) -> None:
    for device in ("cpu", "auto"):
        for broken in (b"", b"not a model", model[: len(model) // 2]):
            with pytest.raises(ModelError, match=r"broken\.onnx"):
                open_session(broken, "broken.onnx", device=device)


def test_unknown_devices_and_thread_counts_are_refused(model: bytes) -> None:
    with pytest.raises(DeviceError, match="'gpu'"):
        open_session(model, "tiny", device="gpu")
    with pytest.raises(DeviceError, match="threads"):
        open_session(model, "tiny", device="cpu", threads=0)


def test_a_bound_model_gives_what_a_plain_run_gives(model: bytes) -> None:
    """The way of the GPU, its buffers here on the CPU."""
    session = open_session(model, "tiny", device="cpu", threads=1)
    bound = BoundModel(onnxruntime, session.ort, "cpu")
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, 256, (n, 3, 128, 128), np.uint8) for n in (2, 3, 1, 3, 11)]
    got = [bound.run(batch) for batch in batches]  # kept: a later run must not touch them
    for batch, vectors in zip(batches, got, strict=True):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, session.run(batch), rtol=0, atol=1e-6)


def test_buckets_are_few_and_hold_their_windows() -> None:
    sizes = {bucket(count): count for count in range(1, 257)}
    assert list(sizes) == [1, 3, 9, 16, 32, 64, 128, 256]
    assert all(size == most for size, most in sizes.items())


def error_without_onnxruntime(model: Path, path: str = "") -> str:
    """What loading says in a process without it that looks for packages in `path`, too."""
    program = (
        "import sys\n"
        f"sys.path.insert(0, {path!r})\n"
        "sys.modules['onnxruntime'] = None\n"  # what an import finds when it is not installed
        "from fingerprint_sdk import DeviceError, Extractor\n"
        f"try:\n    Extractor.from_file({str(model)!r})\n"
        "except DeviceError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


def test_without_onnxruntime_the_message_says_what_to_install(tiny_model_path: Path) -> None:
    assert "install fingerprint_sdk again" in error_without_onnxruntime(tiny_model_path)


def test_the_clash_of_both_packages_is_named(tmp_path: Path, tiny_model_path: Path) -> None:
    for package in ("onnxruntime", "onnxruntime_gpu"):
        folder = tmp_path / f"{package}-1.31.1.dist-info"
        folder.mkdir()
        name = package.replace("_", "-")
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.31.1\n")
    message = error_without_onnxruntime(tiny_model_path, str(tmp_path))
    assert "pip uninstall onnxruntime onnxruntime-gpu" in message


def test_running_is_silent(tiny_model_path: Path) -> None:
    program = (
        "import numpy as np\n"
        "from fingerprint_sdk import Extractor\n"
        f"extractor = Extractor.from_file({str(tiny_model_path)!r})\n"
        "extractor.embed(np.zeros((200, 200, 3), np.uint8))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert (done.stdout, done.stderr) == ("", "")
