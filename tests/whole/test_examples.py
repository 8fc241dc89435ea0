"""The scripts and the notebook of `examples/` run, and say what they should."""

from __future__ import annotations

import ast
import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure
from support.paths import ROOT
from support.photographs import write_photographs
from support.ray_cluster import ray_cluster

import fingerprint_sdk as fp
from trainer.synthesis import paper288

EXAMPLES = ROOT / "examples"
LARK, WREN = EXAMPLES / "images/lark", EXAMPLES / "images/wren"


def run(
    script: str,
    *arguments: object,
    codes: tuple[int, ...] = (0,),
    environment: dict[str, str] | None = None,
) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def test_verify_pair() -> None:
    printed = run("verify_pair.py", WREN / "1.png", WREN / "1.png")
    assert printed.startswith("same\n")
    printed = run("verify_pair.py", LARK / "1.png", WREN / "1.png", codes=(1, 3))
    assert printed.startswith(("different\n", "inconclusive\n"))
    assert fp.verify(LARK / "1.png", WREN / "1.png").words in printed


def test_verify_sets() -> None:
    printed = run("verify_sets.py", LARK, EXAMPLES / "images" / "robin", 0.01)
    assert printed.startswith("different\n")
    assert "4 against 4 images, at a false match rate of 0.01" in printed


def test_identify_folder(tmp_path: Path) -> None:
    gallery, probe = tmp_path / "known.fpg", EXAMPLES / "probe.png"
    first = run("identify_folder.py", EXAMPLES / "images", gallery, probe)
    assert first.startswith(f"{probe}: ")
    assert "(nearest wren, " in first  # which made it, and has a sibling, robin
    assert fp.Gallery.load(gallery).names == ("finch", "lark", "robin", "wren")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    many = run("identify_folder.py", tmp_path / "gone", gallery, broken, probe)
    assert f"{broken}: left out" in many
    assert many.endswith(first)
    # The second time the gallery is there, and the images are not needed.
    assert run("identify_folder.py", tmp_path / "gone", gallery, probe) == first


def test_async_service(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    printed = run("async_service.py", WREN / "1.png", LARK / "1.png", broken, WREN / "1.png")
    lines = printed.splitlines()
    assert lines[0] == f"{LARK / '1.png'}: {fp.verify(WREN / '1.png', LARK / '1.png').words}"
    assert "is not an image" in lines[1]
    assert lines[2].startswith(f"{WREN / '1.png'}: ")


def test_cluster_folder(tmp_path: Path) -> None:
    for folder in (LARK, WREN):
        shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / "broken.png").write_bytes(b"no image")
    printed = run("cluster_folder.py", EXAMPLES / "images")
    assert all(str(path) in printed for path in EXAMPLES.glob("images/*/*.png"))
    assert f"left out: '{tmp_path}/broken.png'" in run("cluster_folder.py", tmp_path)


def test_explain_page(tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    assert f"wrote {page}" in run("explain_page.py", EXAMPLES / "probe.png", WREN / "1.png", page)
    assert "data:image/png;base64," in page.read_text()


@pytest.fixture
def synthesis(tmp_path: Path) -> list[object]:
    """Photographs, a pool to be made, and of what: two architectures of three seeds."""
    chosen = ",".join(architecture.id for architecture in paper288(4)[:2])
    return [write_photographs(tmp_path / "photos", 4), tmp_path / "pool", chosen, 3]


@pytest.mark.slow
def test_synthesize_slurm(synthesis: list[object]) -> None:
    pytest.importorskip("submitit")
    more = ("--steps", 0, "--jobs", 2, "--cluster", "local")
    assert run("synthesize_slurm.py", *synthesis, *more).endswith("6 synthetic models\n")


@pytest.mark.slow
def test_synthesize_ray(synthesis: list[object]) -> None:
    pytest.importorskip("ray")
    with ray_cluster() as cluster:
        printed = run("synthesize_ray.py", *synthesis, 0, environment=cluster.environment)
    assert printed.endswith("6 synthetic models\n")


@pytest.mark.slow
def test_embed_on_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    # It starts a cluster by itself, with a token that Ray would else make and keep.
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment["RAY_worker_niceness"] = "0"  # or nothing moves on a busy machine
    environment.pop("RAY_ADDRESS", None)
    printed = run(
        "embed_on_ray.py", EXAMPLES / "images", tmp_path / "out", environment=environment
    )
    assert f"16 embeddings in {tmp_path / 'out'}, 0 bad files" in printed


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sources of the notebook's code cells."""
    monkeypatch.chdir(EXAMPLES)
    matplotlib.use("Agg")
    notebook = json.loads((EXAMPLES / "tour.ipynb").read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in code), "committed without outputs"
    return ["".join(cell["source"]) for cell in code]


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line if that is an expression, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "tour.ipynb", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "tour.ipynb", "eval"), names)
    return None


def test_the_notebook_runs(cells: list[str]) -> None:
    names: dict[str, Any] = {}
    shown = [run_cell(source, names) for source in cells]
    assert shown[0] == {"lark": 4, "wren": 4}
    assert sum(isinstance(value, Figure) for value in shown) == 2
    assert names["answer"].nearest == "wren"
    names["plt"].close("all")
