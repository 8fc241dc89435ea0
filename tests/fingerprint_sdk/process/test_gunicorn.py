"""A web application that loads its model before its workers are forked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from support.paths import INSTALLED, ROOT
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp

pytest.importorskip("gunicorn", reason="needs gunicorn, which Windows does not have")

APPLICATION = """
import os, sys
import fingerprint_sdk as fp
from support.tiny_model import synthetic_image

extractor = fp.load(os.environ["MODEL"], device="cpu", threads=2)
picture = synthetic_image(0, 0)
gallery = fp.Gallery(extractor)
gallery.enroll("a", [picture], copies=False)
LOADED_IN = os.getpid()

def application(environ, start_response):
    row = extractor.embed(picture)
    nearest = gallery.identify(picture).nearest
    start_response("200 OK", [("Process", f"{LOADED_IN} {os.getpid()}"), ("Nearest", nearest)])
    return [row.tobytes()]
"""
WORKERS = 2


def test_workers_use_what_was_loaded_before_they_were_forked(
    tiny_model_path: Path, extractor: fp.Extractor, tmp_path: Path
) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    places = [str(tmp_path), str(INSTALLED), str(ROOT / "tests")]
    log = tmp_path / "log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "--preload", "--workers", str(WORKERS),
                "--bind", "127.0.0.1:0", "--worker-tmp-dir", str(tmp_path), "application",
            ],
            stderr=said,
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(places), "MODEL": str(tiny_model_path)},
        )  # fmt: skip
    try:
        address = waited_for(log, server)
        expected = extractor.embed(synthetic_image(0, 0))
        workers = set()
        for _ in range(200):
            with urllib.request.urlopen(address, timeout=60) as answer:
                row = np.frombuffer(answer.read(), np.float32)
                loaded_in, process = answer.headers["Process"].split()
                assert answer.headers["Nearest"] == "a"
            assert loaded_in == str(server.pid)
            workers.add(process)
            np.testing.assert_allclose(row, expected, atol=1e-6)
            if len(workers) == WORKERS:
                break
        assert len(workers) == WORKERS
        assert loaded_in not in workers
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def waited_for(log: Path, server: subprocess.Popen[bytes]) -> str:
    """The address, once connections are taken."""
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        if found := re.search(r"Listening at: (http://\S+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())
