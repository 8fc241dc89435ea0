"""``fingerprint models list|download|verify``, against a real Hub on loopback."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.cli_runner import Cli
from support.hub_server import Hub, client_environment, serve

from fingerprint_sdk import Extractor, zoo
from fingerprint_sdk.zoo.golden import golden_picture

REPO = "someone/fingerprint-tiny"
PROGRAM = "from fingerprint_sdk.cli import app; app()"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as hub:
        yield hub


@pytest.fixture
def command(hub: Hub, tmp_path: Path) -> Command:
    """Runs ``fingerprint models ...`` in a process of its own: the Hub's client reads its
    environment when it is imported."""

    def run(
        *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, "models", *arguments],
            env=client_environment(hub, tmp_path / "hf") | (env or {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def published(hub: Hub, tiny_model_dir: Path) -> str:
    return hub.publish(REPO, {p.name: p.read_bytes() for p in tiny_model_dir.iterdir()})


def copy(folder: Path, out: Path, **changes: Any) -> Path:
    """The model folder with some keys of its config.json changed."""
    shutil.copytree(folder, out)
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | changes))
    return out


def golden(folder: Path) -> list[float]:
    embedding = Extractor.from_file(folder / "model.onnx", device="cpu").embed(golden_picture())
    return [round(float(value), 6) for value in embedding]


def test_download_list_verify_then_all_without_network(hub: Hub, command: Command, published: str):
    assert (
        json.loads(command("list", "--json").stdout)["models"]
        == json.loads(command("--json").stdout)["models"]
    )  # nothing cached yet
    assert hub.requests == []

    first = command("download", REPO, "--json")
    assert first.returncode == 0, first.stderr
    document = json.loads(first.stdout)
    assert (document["repo_id"], document["commit"]) == (REPO, published)
    assert document["license"] == "Apache-2.0"
    assert Path(document["path"]).is_file()
    assert hub.requests

    hub.requests.clear()
    again = command("download", REPO, "--revision", published, "--json")
    assert json.loads(again.stdout) == document
    listed = json.loads(command("list", "--json").stdout)["models"]
    assert listed[-1]["source"] == f"{REPO}@{published}"
    assert listed[-1]["path"] == str(Path(document["path"]).parent)
    verified = command("verify", REPO, "--revision", published, "--json")
    assert verified.returncode == 0
    assert json.loads(verified.stdout)["passed"] is True
    assert command("verify", REPO, "--offline").returncode == 0
    assert command("verify", REPO, env={"HF_HUB_OFFLINE": "1"}).returncode == 0
    assert hub.requests == []


@pytest.mark.parametrize("damage", [lambda b: b[:-1] + b"!", lambda b: b[:-9]])
def test_verify_exits_with_1_for_a_damaged_cache(
    hub: Hub, command: Command, published: str, damage: Callable[[bytes], bytes]
):
    path = Path(json.loads(command("download", REPO, "--json").stdout)["path"]).resolve()
    path.write_bytes(damage(path.read_bytes()))
    done = command("verify", REPO, "--revision", published, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["passed"] is False
    assert f"delete {path}" in document["checks"][0]["detail"]
    refused = command("download", REPO, "--revision", published)
    assert refused.returncode == 2
    assert "promises" in refused.stderr


def test_download_that_cannot_be(hub: Hub, command: Command, published: str):
    offline = command("download", REPO, "--offline")
    assert offline.returncode == 2
    assert "network is off" in offline.stderr
    assert hub.requests == []
    assert command("download", "someone/nothing").returncode == 2
    bundled = command("download", zoo.DEFAULT_MODEL)
    assert bundled.returncode == 2
    assert "here already" in bundled.stderr


def test_a_model_of_another_kind_in_the_cache_is_not_listed(
    hub: Hub, command: Command, published: str, tmp_path: Path
):
    assert command("download", REPO).returncode == 0
    hub.publish("someone/bert", {"config.json": b'{"architectures": ["BertModel"]}'})
    script = "from huggingface_hub import hf_hub_download as d; d('someone/bert', 'config.json')"
    environment = client_environment(hub, tmp_path / "hf")
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
    listed = json.loads(command("list", "--json").stdout)["models"]
    assert [m["source"] for m in listed if m["source"] != "bundled"] == [f"{REPO}@{published}"]


def test_verify_of_a_bundled_model(cli: Cli):
    document = cli.json("models", "verify")
    assert document["source"] == "bundled"
    assert [check["passed"] for check in document["checks"]] == [True] * 4
    assert "ok" in cli("models", "verify")


def test_verify_compares_golden_numbers(cli: Cli, tiny_model_dir: Path, tmp_path: Path):
    numbers = golden(tiny_model_dir)
    good = copy(tiny_model_dir, tmp_path / "good", golden=numbers)
    assert "golden" in cli.json("models", "verify", good)["checks"][-1]["detail"]
    assert zoo.resolve(good).description.golden == pytest.approx(numbers)
    wrong = copy(tiny_model_dir, tmp_path / "wrong", golden=[numbers[0] + 0.01, *numbers[1:]])
    document = cli.json("models", "verify", wrong, code=1)
    assert [check["passed"] for check in document["checks"]] == [True, True, False]


def test_verify_compares_metadata(cli: Cli, tiny_model_dir: Path, tmp_path: Path):
    folder = copy(tiny_model_dir, tmp_path / "model", license="MIT", version="9")
    document = cli.json("models", "verify", folder, code=1)
    (failed,) = [check for check in document["checks"] if not check["passed"]]
    assert failed["name"] == "metadata"
    assert "'MIT'" in failed["detail"]
    assert "'9'" in failed["detail"]


def test_verify_of_a_file_that_is_vouched_for_but_no_model(
    cli: Cli, tiny_model_dir: Path, tmp_path: Path
):
    content = b"not onnx"
    info = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    folder = copy(tiny_model_dir, tmp_path / "model", files={"model.onnx": info})
    (folder / "model.onnx").write_bytes(content)
    assert (
        "not an ONNX model" in cli.json("models", "verify", folder, code=1)["checks"][-1]["detail"]
    )


def test_verify_exits_with_2_when_it_cannot_tell(cli: Cli, tiny_model_path: Path):
    assert "no-such-model" in cli.fails("models", "verify", "no-such-model")
    assert "bare file" in cli.fails("models", "verify", tiny_model_path)


@pytest.mark.parametrize("bad", [[], "abc", [2.0], [None], [0.1] * 17, [True], {}])
def test_golden_numbers_that_are_none(cli: Cli, tiny_model_dir: Path, tmp_path: Path, bad: Any):
    folder = copy(tiny_model_dir, tmp_path / "model", golden=bad)
    assert "golden" in cli.fails("models", "verify", folder)


def test_the_golden_picture_never_changes():
    picture = golden_picture()
    assert (picture.shape, picture.dtype) == ((128, 256, 3), np.uint8)
    assert picture[::64, ::128].tolist() == [
        [[40, 55, 73], [90, 92, 105]],
        [[85, 95, 93], [115, 130, 142]],
    ]
