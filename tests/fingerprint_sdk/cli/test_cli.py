"""The command line: what it prints, where, and how it exits."""

from __future__ import annotations

import csv
import ctypes
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.cli_runner import Cli, write_flat

import fingerprint_sdk
from fingerprint_sdk import zoo
from fingerprint_sdk.images.treatment import TREATMENTS


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.png"
    path.write_bytes(b"this is no picture")
    return path


def expected_embeddings(paths: list[Path], tiny_model_path: Path) -> np.ndarray:
    return fingerprint_sdk.load(tiny_model_path, device="cpu").embed(paths)


# ---- the program ---------------------------------------------------------------------------


def program(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fingerprint_sdk", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )


def test_the_program_end_to_end(generators: Path, model: list[str]):
    folders = generators / "source0", generators / "source1"
    same = program("verify", folders[0] / "0.png", folders[0] / "1.png", *model)
    assert (same.returncode, same.stderr) == (0, "")
    assert same.stdout.startswith("same generator\n")
    different = program("verify", *folders, *model)
    assert (different.returncode, different.stderr) == (1, "")
    assert different.stdout.startswith("different generators\n")


def test_the_program_reports_an_error_in_one_line(bad: Path, model: list[str]):
    failed = program("embed", bad, "--on-error", "raise", *model)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: ")
    assert "bad.png" in failed.stderr
    assert failed.stderr.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device /dev/full")
def test_a_result_that_cannot_be_written_is_an_error(generators: Path, model: list[str]):
    image = generators / "source0" / "0.png"
    with open("/dev/full", "w") as full:
        failed = subprocess.run(
            [sys.executable, "-m", "fingerprint_sdk", "verify", image, image, *model],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: ")


def test_a_reader_that_has_gone_is_not_a_verdict(generators: Path, model: list[str]):
    folder = generators / "source0"
    running = subprocess.Popen(
        [sys.executable, "-m", "fingerprint_sdk", "verify", folder, folder, "--json", *model],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    with running.stderr:
        assert running.stderr.read() == b""
    assert running.wait(timeout=120) == 141


def test_a_file_name_that_is_not_text(generators: Path, model: list[str], tmp_path: Path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    try:
        os.link(generators / "source0" / "0.png", odd)
    except (OSError, UnicodeError):
        pytest.skip("this file system has only names that are text")
    assert r"\xff.png" in program("embed", odd, *model).stdout
    document = json.loads(program("embed", odd, "--json", *model).stdout)
    assert document["images"][0]["path"] == odd


def test_interrupting_exits_with_130(tmp_path: Path):
    # A Hub that accepts the connection and stays silent holds the program at a known place.
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        settings = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path)}
        running = subprocess.Popen(
            [sys.executable, "-m", "fingerprint_sdk", "info", "owner/name"],
            env=os.environ | settings | {"NO_PROXY": "127.0.0.1", "HF_HUB_OFFLINE": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts its background jobs with SIGINT ignored, which children inherit.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        connection, _ = server.accept()
        with connection:
            running.send_signal(signal.SIGINT)
            stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    assert stdout == ""
    assert "Traceback" not in stderr


def test_version_and_help(cli: Cli):
    assert cli("--version") == f"fingerprint {fingerprint_sdk.__version__}\n"
    for command in ("embed", "verify", "enroll", "identify", "info"):
        assert f"fingerprint {command}" in cli(command, "--help")
    assert "Examples" in cli("gallery", "add", "-h")


def test_an_unknown_option_or_command_exits_with_2(cli: Cli):
    cli.fails("embed", "--no-such-option")
    cli.fails("no-such-command")


def test_a_bug_does_not_exit_like_a_verdict(generators: Path, model: list[str]):
    # 1 means "different", so an exception nobody foresaw must not end with it.
    script = """
import sys, fingerprint_sdk.extractor
def broken(*args, **kwargs): raise RuntimeError("boom")
fingerprint_sdk.extractor.load = broken
from fingerprint_sdk.cli import app
app(sys.argv[1:])
"""
    image = str(generators / "source0" / "0.png")
    done = subprocess.run(
        [sys.executable, "-c", script, "verify", image, image, *model],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "boom" in done.stderr


# ---- embed ---------------------------------------------------------------------------------


def test_embed_json(cli: Cli, generators: Path, model: list[str], tiny_model_path: Path):
    folder = generators / "source0"
    paths = sorted(folder.iterdir())
    document = cli.json("embed", folder, *model)
    assert cli.stderr == ""
    assert [image["path"] for image in document["images"]] == [str(path) for path in paths]
    embeddings = np.array([image["embedding"] for image in document["images"]], np.float32)
    expected = expected_embeddings(paths, tiny_model_path)
    np.testing.assert_allclose(embeddings, expected, atol=1e-6)
    assert document["images"][0]["quality"]["width"] == 260
    assert document["model"]["name"] == "tiny"
    assert document["model"]["device"] == "cpu"
    assert document["skipped"] == []


def test_embed_table(cli: Cli, generators: Path, model: list[str]):
    path = generators / "source0" / "0.png"
    table = cli("embed", path, *model)
    assert str(path) in table  # not folded, so that it can be searched
    assert "260x200" in table


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".csv"])
def test_embed_to_a_file(
    cli: Cli, generators: Path, model: list[str], tiny_model_path: Path, suffix: str
):
    paths = sorted((generators / "source0").iterdir())[:2]
    out = generators / f"out{suffix}"
    out.write_bytes(b"older content")
    assert cli("embed", *paths, "--out", out, *model) == ""
    names = [str(path) for path in paths]
    if suffix == ".npz":
        with np.load(out) as file:
            assert file["paths"].tolist() == names
            assert (str(file["model"]), str(file["model_version"])) == ("tiny", "0.0.1")
            embeddings = file["embeddings"]
        assert embeddings.dtype == np.float32
    elif suffix == ".npy":
        embeddings = np.load(out)
        assert embeddings.dtype == np.float32
    else:
        header, *rows = csv.reader(io.StringIO(out.read_text(encoding="utf-8")))
        assert header == ["path", *(f"e{i}" for i in range(16))]
        assert [row[0] for row in rows] == names
        embeddings = np.array([row[1:] for row in rows], np.float32)
    np.testing.assert_allclose(embeddings, expected_embeddings(paths, tiny_model_path), atol=1e-6)
    assert sorted(path.name for path in generators.iterdir() if path.is_file()) == [out.name]


def test_embed_out_and_json(cli: Cli, generators: Path, model: list[str], tmp_path: Path):
    out = tmp_path / "x.npy"
    document = cli.json("embed", generators / "source0", "--out", out, *model)
    assert document["out"] == str(out)
    assert "embedding" not in document["images"][0]
    assert len(np.load(out)) == len(document["images"]) == 6


def test_embed_refuses_an_impossible_out_first(
    cli: Cli, bad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)  # a short path, which no terminal breaks
    assert ".npz" in cli.fails("embed", bad, "--out", "x.pkl")
    assert "missing" in cli.fails("embed", bad, "--out", "missing/x.npy")


def test_embed_skips_or_stops_at_a_corrupt_image(
    cli: Cli, generators: Path, model: list[str], bad: Path, tmp_path: Path
):
    good = generators / "source0" / "0.png"
    out = tmp_path / "x.npy"
    stopping = ["embed", good, bad, "--on-error", "raise", "--out", out, *model]
    assert "bad.png" in cli.fails(*stopping)
    assert not out.exists()

    document = cli.json("embed", bad, good, *model)
    assert [image["path"] for image in document["images"]] == [str(good)]
    assert [image["path"] for image in document["skipped"]] == [str(bad)]
    assert "bad.png" in document["skipped"][0]["error"]
    assert cli.stderr.startswith("skipped: ")

    assert "none of the 1 images" in cli.fails("embed", bad, *model)


def test_folders_give_their_images_in_order(cli: Cli, generators: Path, model: list[str]):
    folder = generators / "source0"
    for name in ("notes.txt", ".hidden.png", "._0.png"):
        (folder / name).write_bytes(b"not a picture")
    os.rename(folder / "0.png", folder / "z.PNG")
    (folder / "folder.png").mkdir()
    images = cli.json("embed", folder, *model)["images"]
    names = [Path(image["path"]).name for image in images]
    assert names == ["1.png", "2.png", "3.png", "4.png", "5.png", "z.PNG"]


def test_missing_paths_and_empty_folders(cli: Cli, model: list[str], tmp_path: Path):
    assert "nowhere.png" in cli.fails("embed", tmp_path / "nowhere.png", *model)
    (tmp_path / "empty").mkdir()
    assert "no image" in cli.fails("embed", tmp_path / "empty", *model)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_an_unreadable_folder(cli: Cli, generators: Path, model: list[str]):
    folder = generators / "source0"
    folder.chmod(0)
    try:
        assert "source0" in cli.fails("embed", folder, *model)
    finally:
        folder.chmod(0o755)


# ---- verify --------------------------------------------------------------------------------


def test_verify_json_agrees_with_the_library(
    cli: Cli, generators: Path, model: list[str], tiny_model_path: Path
):
    a, b = generators / "source0", generators / "source1"
    rates = ["--fmr", "0.05", "--fnmr", "0.1", "--prior", "0.2"]
    document = cli.json("verify", a, b, *rates, *model, code=1)
    extractor = fingerprint_sdk.load(tiny_model_path, device="cpu")
    expected = extractor.verify(
        sorted(a.iterdir()), sorted(b.iterdir()), fmr=0.05, fnmr=0.1, prior=0.2
    )
    assert expected.verdict == "different"
    assert document["a"] == [str(path) for path in sorted(a.iterdir())]
    for key, value in expected.to_dict().items():
        approximate = isinstance(value, float)
        assert document[key] == (pytest.approx(value, rel=1e-4) if approximate else value), key


def test_verify_says_one_of_three(
    cli: Cli, generators: Path, model: list[str], tiny_model_path: Path
):
    """Verdict, exit code and all that is said come from the result."""
    one, two, other = (
        generators / name for name in ("source0/0.png", "source0/1.png", "source1/0.png")
    )
    extractor = fingerprint_sdk.load(tiny_model_path, device="cpu")
    score = extractor.verify(one, two).score
    strict = next(f for f in (0.001, 0.01, 0.1) if extractor.verify(one, two, fmr=f).same)
    lenient = extractor.calibration.condition(1, 1)
    assert lenient.threshold(strict) <= score

    printed = cli("verify", one, two, "--fmr", strict, "--prior", "0.1", *model)
    result = extractor.verify(one, two, fmr=strict, prior=0.1)
    first, sentence, *pairs = printed.splitlines()
    assert (first, sentence) == ("same generator", result.words)
    said = dict(line.split("  ", 1) for line in pairs)
    assert f"{result.probability:.4f} of one generator, if 0.1 beforehand" in said["probability"]
    assert said["score"].strip() == f"{result.score:.4f}"
    assert f"{result.threshold:.4f}" in said["same from"]
    assert f"{result.missed:.4f}" in said["different below"]
    assert "1 against 1" in said["images"]
    assert "unprocessed" in said["condition"]

    assert cli("verify", one, other, *model, code=1).startswith("different generators\n")


def test_verify_says_what_would_settle_it(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path, tiny_model_path: Path
):
    one = generators / "source0" / "0.png"
    blend = tmp_path / "blend.png"
    extractor = fingerprint_sdk.load(tiny_model_path, device="cpu")
    halves = [np.asarray(Image.open(generators / f"source{i}" / "1.png")) for i in (0, 1)]
    for share in np.linspace(0, 1, 41):  # from one generator's to the other's
        Image.fromarray(
            np.rint((1 - share) * halves[0] + share * halves[1]).astype(np.uint8)
        ).save(blend)
        if extractor.verify(one, blend).verdict == "inconclusive":
            break
    document = cli.json("verify", one, blend, *model, code=3)
    assert document["verdict"] == "inconclusive"
    printed = cli("verify", one, blend, *model, code=3)
    assert printed.startswith("inconclusive\n")
    assert f"With {document['images_needed']} images on each side" in printed


def test_verify_counts_a_picture_once(cli: Cli, generators: Path, model: list[str]):
    one, two = (generators / "source0" / f"{i}.png" for i in range(2))
    printed = cli("verify", "--a", one, "--a", one, "--a", one, "--b", two, *model)
    assert "1 against 1" in printed
    assert "2 of the 4 images have a vote" in cli.stderr
    assert "same picture" not in cli.stderr
    cli("verify", one, one, *model)
    assert "both sides have the same picture" in cli.stderr


def test_verify_sides_by_option(cli: Cli, generators: Path, model: list[str]):
    first, second, third = (generators / "source0" / f"{i}.png" for i in range(3))
    by_option = cli.json("verify", "--a", first, "--a", second, "--b", third, *model)
    assert by_option["images"] == [2, 1]
    assert by_option["verdict"] == "same"
    assert by_option["a"] == [str(first), str(second)]


@pytest.mark.parametrize(
    "sides", [[], ["x"], ["x", "y", "z"], ["--a", "x"], ["x", "--a", "y", "--b", "z"]]
)
def test_verify_needs_two_sides(cli: Cli, model: list[str], sides: list[str]):
    assert "two sides" in cli.fails("verify", *sides, *model)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--fmr", "0.5", "0.001 to"),
        ("--fmr", "nan", "fmr"),
        ("--fnmr", "0.001", "0.01 to"),
        ("--prior", "1", "prior"),
        ("--prior", "0", "prior"),
    ],
)
def test_verify_refuses_an_impossible_rate_before_the_images(
    cli: Cli, model: list[str], bad: Path, option: str, value: str, said: str
):
    assert said in cli.fails("verify", bad, bad, option, value, *model)


def test_verify_names_the_unusable_image(cli: Cli, generators: Path, model: list[str], bad: Path):
    assert "bad.png" in cli.fails("verify", generators / "source0", bad, *model)


def test_verify_says_nothing_of_flat_images(cli: Cli, model: list[str], tmp_path: Path):
    flat = write_flat(tmp_path / "flat.png")
    output = cli("verify", flat, flat, *model, code=3)
    assert output.startswith("inconclusive\n")
    assert "no fingerprint" in output
    assert "score" not in output
    assert "flat" in cli.stderr


# ---- models and info -----------------------------------------------------------------------


def test_models(cli: Cli):
    listed = cli.json("models")["models"]
    assert [model["name"] for model in listed] == [model.name for model in zoo.list_models()]
    table = cli("models")
    assert all(model["name"] in table and model["license"] in table for model in listed)


def test_info(cli: Cli, tiny_model_dir: Path):
    document = cli.json("info", tiny_model_dir, "--device", "cpu")
    config = json.loads((tiny_model_dir / "config.json").read_text())
    assert document["sha256"] == config["files"]["model.onnx"]["sha256"]
    assert document["sha256_checked"] is True
    assert document["weights_license"] == "Apache-2.0"
    assert document["device"] == "cpu"
    assert document["providers"] == ["CPUExecutionProvider"]
    assert document["source"] == "local"
    assert document["versions"]["onnxruntime"]
    calibration = document["calibration"]
    assert (calibration["images"], calibration["windows"]) == ([1, 2, 5, 10], [1, 4])
    assert [one["treatment"] for one in calibration["single"]] == list(TREATMENTS)
    known = fingerprint_sdk.load(tiny_model_dir, device="cpu").calibration
    grey = known.condition(1, 1, treatment="grey")
    one = calibration["single"][TREATMENTS.index("grey")]
    assert (one["missed"], one["threshold"]) == grey.limits(0.01, 0.05)
    assert tuple(calibration["fmr_range"]) == known.fmr_range
    shown = cli("info", tiny_model_dir, "--device", "cpu")
    assert document["sha256"] in shown
    assert "weights license" in shown
    assert "1, 2, 5, 10 or more" in shown
    assert all(treatment in shown for treatment in TREATMENTS)


def test_info_of_a_bare_file_says_its_hash_is_unchecked(cli: Cli, tiny_model_path: Path):
    document = cli.json("info", tiny_model_path, "--device", "cpu")
    assert document["sha256_checked"] is False


def test_unknown_and_broken_models(cli: Cli, bad: Path, tmp_path: Path):
    assert "no-such-model" in cli.fails("info", "no-such-model")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not onnx")
    assert "broken.onnx" in cli.fails("info", broken)
    assert "revision" in cli.fails("info", broken, "--revision", "main")


def test_offline_uses_no_network(cli: Cli):
    assert "network is off" in cli.fails("info", "owner/name", "--offline")


def test_a_device_that_is_not_there(cli: Cli, tiny_model_path: Path):
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        pass
    else:
        pytest.skip("this machine has an NVIDIA driver")
    assert "cuda" in cli.fails("info", tiny_model_path, "--device", "cuda")
