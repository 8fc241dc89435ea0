"""Models that are fetched from a Hub."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from kills.files import command
from kills.trial import Trial, apart

REPO, COMMITS, BYTES = "someone/model", 3, 4_000_000
SERVER = """
import json, sys
from support.hub_server import client_environment, serve
from kills.downloads import REPO, published

with serve() as hub:
    commits = [hub.publish(REPO, files) for files in published()]
    print(json.dumps([client_environment(hub, sys.argv[1]), commits]), flush=True)
    sys.stdin.read()
"""


def published() -> list[dict[str, bytes]]:
    """Versions of a model. Resolving never parses the ONNX file, so any bytes will do."""
    versions = []
    for number in range(COMMITS):
        content = number.to_bytes(4, "little") * (BYTES // 4)
        file = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        config = {
            "name": "tiny",
            "version": str(number),
            "license": "Apache-2.0",
            "description": "A test model",
            "window_size": 128,
            "embedding_size": 8,
            "recipe_hash": "0" * 16,
            "files": {"model.onnx": file},
        }
        versions.append({"config.json": json.dumps(config).encode(), "model.onnx": content})
    return versions


def trials(shared: Path) -> dict[str, Trial]:
    """The trial by its name. Its Hub is a process that ends with this one."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(shared / "work")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what a server says of clients that are killed
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert server.stdout is not None
    environment, commits = json.loads(server.stdout.readline())
    os.environ.update(environment)  # huggingface_hub reads it when it is imported
    # Here, or most of a child's time would go into this, and be the time when it is killed.
    import huggingface_hub.file_download  # noqa: F401

    fetch = [partial(command, "models", "download", REPO, "--revision", one) for one in commits]
    return {
        "hub-download": Trial(
            _start,
            lambda work: fetch,
            lambda work, done: _check(commits, done),
            lambda work: apart(lambda: [one() for one in fetch] and None),
            lambda name: name.endswith((".incomplete", ".tmp")),
        )
    }


def _start(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)


def _check(commits: list[str], done: int) -> None:
    from fingerprint_sdk import zoo
    from fingerprint_sdk.errors import ModelNotFoundError

    for number, commit in enumerate(commits):
        try:
            found = zoo.resolve(REPO, revision=commit, offline=True)
            assert found.path.stat().st_size == BYTES
        except ModelNotFoundError:
            assert number >= done, f"{commit} was there before"
