"""Batches, the end of a server, two servers on one folder, and what its document promises."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.service import Server, serving

pytest.importorskip("prometheus_client", reason="needs the extra 'serve'")

import fingerprint_sdk as fp
from fingerprint_sdk.service.batch import Batcher
from fingerprint_sdk.service.metrics import Metrics
from fingerprint_sdk.service.uploads import Upload

WITHOUT = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
from fingerprint_sdk.cli import app
app(["serve"])
"""


def test_what_waits_together_is_embedded_together(
    extractor: fp.Extractor, sample_files: list[Path]
) -> None:
    uploads = [Upload.of(path.read_bytes(), path.name) for path in sample_files[:5]]
    bad = Upload.of(b"no picture", "bad.png")
    sent = [[uploads[0], bad], uploads[1:4], [uploads[4]], [bad]]
    metrics = Metrics(extractor)

    async def run() -> list[fp.EmbeddingResult]:
        batcher = Batcher(extractor, 5, metrics)
        waiting = [asyncio.create_task(batcher.embed(images)) for images in sent]
        gone = asyncio.create_task(batcher.embed(uploads))
        await asyncio.sleep(0)
        assert batcher.images == 12
        gone.cancel()
        batcher.start()
        results = await asyncio.gather(*waiting)
        await batcher.stop()
        return results

    results = asyncio.run(run())
    # 2 + 3 images fill the first call; who has gone is not waited for.
    calls = metrics.registry.get_sample_value
    assert calls("fingerprint_batch_images_count") == 2
    assert calls("fingerprint_batch_requests_sum") == 4
    assert calls("fingerprint_batch_images_sum") == 7
    assert [result.indices for result in results] == [(0,), (0, 1, 2), (0,), ()]
    assert [[f.index for f in result.failures] for result in results] == [[1], [], [], [0]]
    expected = extractor.embed_many(uploads)
    found = [row for result in results for row in result.embeddings]
    np.testing.assert_allclose(found, expected.embeddings, atol=1e-5)
    assert "'bad.png'" in str(results[3].failures[0].error)


def test_requests_in_flight_are_answered_at_the_end(
    model: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    with serving(tmp_path, *model) as server:
        path = sample_files[0]
        begun = server.begin("/v1/embed", [("images", path.name, path.read_bytes())])
        while "in_progress 1.0" not in server.get("/metrics").body.decode():
            pass
        server.process.send_signal(signal.SIGTERM)
        while answers(server):
            pass
        assert server.process.poll() is None
        last = begun.end()
        assert (last.status, len(last.json()["images"])) == (200, 1)
        assert server.process.wait(60) == 0


def answers(server: Server) -> bool:
    """Whether connections are taken."""
    try:
        return server.get("/healthz").status == 200
    except OSError:
        return False


def test_two_servers_on_one_folder_lose_no_entry(
    model: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    (tmp_path / "galleries").mkdir()
    options = [*model, "--galleries", tmp_path / "galleries"]
    with serving(tmp_path, *options) as one, serving(tmp_path, *options) as two:

        def put(number: int) -> int:
            name = f"/v1/galleries/g/entries/{number}?copies=false"
            path = sample_files[number % len(sample_files)]
            sent = [("images", path.name, path.read_bytes())]
            return (one, two)[number % 2].ask("PUT", name, sent).status

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(put, range(24))) == {201}
        names = [
            {entry["name"] for entry in server.get("/v1/galleries/g").json()["entries"]}
            for server in (one, two)
        ]
        assert names[0] == names[1] == {str(number) for number in range(24)}
        # What one changes, the other one searches.
        assert one.ask("DELETE", "/v1/galleries/g/entries/0").status == 204
        found = two.post("/v1/identify?gallery=g&top=100", sample_files[0]).json()
        assert len(found["probes"][0]["candidates"]) == 23


@pytest.mark.slow
def test_it_does_what_its_openapi_document_says(known_model_dir: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed")
    (tmp_path / "galleries").mkdir()
    key = "a-key-for-the-tests-1"
    options = ["--model", known_model_dir, "--device", "cpu", "--threads", 1]
    with serving(tmp_path, *options, "--galleries", tmp_path / "galleries", key=key) as server:
        done = subprocess.run(
            [
                *[sys.executable, "-c", "from schemathesis.cli import schemathesis as run; run()"],
                *["run", f"{server.address}/openapi.json", "-H", f"Authorization: Bearer {key}"],
                *["--phases", "coverage,fuzzing", "--max-examples", "3", "--seed", "1"],
                # Its images are random bytes, which no schema can tell from images.
                *["--checks", "all", "--exclude-checks", "positive_data_acceptance"],
                *["--continue-on-failure", "--no-color", "--suppress-health-check", "all"],
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 13" in done.stdout


@pytest.mark.parametrize(
    "package", ["fastapi", "uvicorn", "prometheus_client", "python_multipart"]
)
def test_a_missing_package_is_named(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, package], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"the service needs {package}" in done.stderr
    assert "pip install fastapi uvicorn" in done.stderr
    assert "Traceback" not in done.stderr
