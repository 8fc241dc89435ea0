"""Sending files to the Hub: the real client, against a real server on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.hub_server import Hub, client_environment, serve

REPO = "someone/fingerprint-tiny"
Send = Callable[..., dict[str, Any]]

# A fresh process, because the client reads its environment when it is imported.
SCRIPT = """
import json, sys
from pathlib import Path
from trainer.export.hub import Upload, publish
files = [Upload(path.name, path.read_bytes()) for path in sorted(Path(sys.argv[1]).iterdir())]
try:
    answer = {"commit": publish(tuple(files), sys.argv[2], **json.loads(sys.argv[3]))}
except ValueError as error:
    answer = {"error": str(error)}
print(json.dumps(answer))
"""
VERIFY = "from fingerprint_sdk.cli import app; app()"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as hub:
        yield hub


@pytest.fixture
def files(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """A folder of what is to be sent: small files, and two of the large kinds."""
    folder = tmp_path / "files"
    folder.mkdir()
    for path in tiny_model_dir.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n")
    save_file({"w": np.arange(600_000, dtype=np.float32)}, folder / "network.safetensors")
    return folder


@pytest.fixture
def send(hub: Hub, files: Path, tmp_path: Path) -> Send:
    def run(token: str | None = hub.token, *, xet: bool = False, **options: Any) -> dict[str, Any]:
        environment = client_environment(hub, tmp_path / "hf")
        environment |= {"HF_HUB_DISABLE_XET": "0" if xet else "1"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(files), REPO, json.dumps(options)],
            env=environment if token is None else environment | {"HF_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


def test_what_is_sent_can_be_loaded(hub: Hub, send: Send, files: Path, tmp_path: Path):
    commit = send(private=True, message="Publish tiny")["commit"]
    repo = hub.repos[REPO]
    assert repo.refs == {"main": commit}
    assert repo.private
    sent = {path.name: path.read_bytes() for path in files.iterdir()}
    assert {k: v for k, v in repo.commits[commit].items() if k != ".gitattributes"} == sent
    assert len(hub.uploaded) == 2  # the rest went within the commit

    done = subprocess.run(
        [sys.executable, "-c", VERIFY, "models", "verify", REPO, "--revision", commit, "--json"],
        env=client_environment(hub, tmp_path / "other"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"] == f"hub:{REPO}@{commit}"

    hub.uploaded.clear()
    assert send(private=True)["commit"] == commit  # nothing has changed: no new commit
    assert hub.uploaded == []
    (files / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny, again\n")
    later = send(private=True)["commit"]
    assert later == repo.refs["main"] != commit
    assert repo.commits[later]["model.onnx"] == sent["model.onnx"]


def test_the_xet_client_sends_large_files(hub: Hub, send: Send, files: Path):
    pytest.importorskip("hf_xet")
    for path in files.iterdir():  # one large file, of noise, which is stored as it is
        path.unlink()
    noise = np.random.default_rng(0).bytes(700_000)
    (files / "network.safetensors").write_bytes(noise)
    (files / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n")
    commit = send(xet=True)["commit"]
    assert hub.uploaded == [noise]
    assert not any(request.startswith("PUT ") for request in hub.requests)
    assert hub.repos[REPO].commits[commit]["network.safetensors"] == noise


def test_to_a_branch(hub: Hub, send: Send):
    old = hub.publish(REPO, {"README.md": b"as it was"})
    first = send(branch="next")["commit"]
    assert hub.repos[REPO].refs == {"main": old, "next": first}
    assert send(branch="next")["commit"] == first  # the branch is there already


def test_private_is_not_sent_to_a_public_repository(hub: Hub, send: Send):
    old = hub.publish(REPO, {"README.md": b"for all to see"})
    assert "is public: nothing was sent" in send(private=True)["error"]
    assert hub.repos[REPO].refs == {"main": old}
    assert hub.uploaded == []


@pytest.mark.parametrize(("token", "word"), [(None, "no token"), ("hf_wrong", "did not take")])
def test_without_a_good_token(hub: Hub, send: Send, token: str | None, word: str):
    assert word in send(token=token)["error"]
    assert hub.repos == {}
