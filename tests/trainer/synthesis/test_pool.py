"""A pool of synthetic models on disk: killed runs, other recipes, several workers, metadata."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support.photographs import photograph, write_photographs
from typer.testing import CliRunner

from trainer.cli import app
from trainer.images.photos import load_photos
from trainer.synthesis import (
    Architecture,
    SynthesisRecipe,
    load_model,
    named_architectures,
    paper288,
    read_pool,
    synthesize,
    train_architecture,
    write_manifest,
)
from trainer.synthesis.summary import summarise_pool

RECIPE = SynthesisRecipe(steps=2, batch=2, side=16, solve_crops=2)
TWO = (paper288(2)[0], paper288(2)[200])


@pytest.fixture(scope="module")
def photos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos"), 5)


@pytest.fixture(scope="module")
def pool(photos_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two architectures of two seeds, made by two workers."""
    out = tmp_path_factory.mktemp("pool") / "pool"
    synthesize(photos_folder, out, TWO, (0, 1), RECIPE, workers=2)
    return out


def files(pool: Path) -> dict[str, bytes]:
    return {
        path.relative_to(pool).as_posix(): path.read_bytes()
        for path in sorted(pool.rglob("*.safetensors"))
    }


def test_the_manifest_lists_every_model_once(pool: Path) -> None:
    entries = read_pool(pool)
    assert {(e.architecture, e.seed) for e in entries} == {(a.id, s) for a in TWO for s in (0, 1)}
    with (pool / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{k: str(v) for k, v in asdict(entry).items()} for entry in entries]
    assert {e.file for e in entries} == set(files(pool))
    assert not list(pool.rglob("*.tmp"))


def test_each_file_says_what_it_is(pool: Path, photos_folder: Path) -> None:
    recipe_hash = RECIPE.hash(load_photos(photos_folder))
    for entry in read_pool(pool):
        with safe_open(pool / entry.file, "pt") as file:
            metadata = file.metadata()
        assert metadata == {k: str(v) for k, v in asdict(entry).items()}
        assert entry.recipe_hash == recipe_hash
        assert entry.reconstruction_error > 0
        assert entry.seconds > 0
        assert entry.steps == RECIPE.steps
    claim = json.loads((pool / "recipe.json").read_text())
    assert claim.pop("recipe_hash") == recipe_hash
    assert SynthesisRecipe(**claim) == RECIPE


def test_a_pool_does_not_depend_on_the_number_of_workers(pool: Path, photos_folder: Path) -> None:
    photos = load_photos(photos_folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the workers do
    try:
        for architecture in TWO:
            for model in train_architecture(architecture, (0, 1), photos, RECIPE):
                stored = load_file(pool / architecture.id / f"{model.seed}.safetensors")
                assert stored.keys() == model.state.keys()
                for name, value in stored.items():
                    torch.testing.assert_close(value, model.state[name], rtol=0, atol=0)
    finally:
        torch.set_num_threads(threads)


def test_a_stored_model_renders(pool: Path, photos_folder: Path) -> None:
    images = torch.from_numpy(load_photos(photos_folder).crops(2, 32, np.random.default_rng(0)))
    outputs = [load_model(pool, entry).render(images) for entry in read_pool(pool)]
    for a, first in enumerate(outputs):
        assert first.shape == (2, 1, 3, 32, 32)
        assert first.dtype == torch.uint8
        assert all((first != other).any() for other in outputs[a + 1 :])


def test_finished_models_are_left_alone_and_missing_ones_are_made(
    pool: Path, photos_folder: Path, tmp_path: Path
) -> None:
    before = files(pool)
    (pool / TWO[0].id / "1.safetensors").unlink()
    seen: list[tuple[str, int, int]] = []
    entries = synthesize(
        photos_folder, pool, TWO, (0, 1), RECIPE, progress=lambda *now: seen.append(now)
    )
    assert len(entries) == 4
    assert seen == [("synthetic models", 3, 4), ("synthetic models", 4, 4)]
    after = files(pool)
    assert after.keys() == before.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {f"{TWO[0].id}/1.safetensors"}


@pytest.mark.parametrize("changes", [{"steps": 3}, {"floor": 0.1}, {"closed_form": False}])
def test_another_recipe_is_refused(
    pool: Path, photos_folder: Path, changes: dict[str, float]
) -> None:
    before = files(pool)
    with pytest.raises(ValueError, match="another recipe or other photographs"):
        synthesize(photos_folder, pool, TWO, (0, 1, 2), replace(RECIPE, **changes))
    assert files(pool) == before


def test_other_photographs_are_refused(pool: Path, tmp_path: Path) -> None:
    others = write_photographs(tmp_path, 5)
    photograph(99).save(others / "photo0.png")
    with pytest.raises(ValueError, match="another recipe or other photographs"):
        synthesize(others, pool, TWO, (0, 1, 2), RECIPE)


def test_an_empty_pool_is_refused(tmp_path: Path) -> None:
    for call in (read_pool, write_manifest):
        with pytest.raises(FileNotFoundError, match="no synthetic model"):
            call(tmp_path)


def test_a_damaged_model_is_named(pool: Path, tmp_path: Path) -> None:
    name, data = next(iter(files(pool).items()))
    target = tmp_path / name
    target.parent.mkdir()
    for broken in (b"", data[:100], data[:-10], b"\0" * 64):
        target.write_bytes(broken)
        with pytest.raises(ValueError, match=r"0\.safetensors"):
            read_pool(tmp_path)


def test_a_failing_architecture_stops_the_run_and_keeps_what_is_done(
    photos_folder: Path, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, side=15)  # not divisible by two: the output is smaller by a pixel
    with pytest.raises(RuntimeError):
        synthesize(photos_folder, tmp_path / "pool", TWO, (0,), recipe)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_whole_files_and_resumes(
    photos_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "pool"
    ids = ",".join(a.id for a in paper288(4)[:30])
    command = [sys.executable, "-m", "trainer.cli", "synthesize", "--photos", str(photos_folder)]
    command += ["--out", str(out), "--architectures", ids, "--seeds", "1", "--steps", "6"]
    command += ["--workers", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: len(files(out)) >= 3)
        children = children_of(process.pid)
        process.send_signal(signal.SIGKILL)
    assert not (out / "manifest.csv").exists()
    wait_for(lambda: not any(alive(child) for child in children))  # no orphan goes on writing
    before = files(out)
    assert 3 <= len(before) < 30
    for name in before:
        assert load_file(out / name)
    modified = {name: (out / name).stat().st_mtime_ns for name in before}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "30 synthetic models" in done.stdout
    assert {name: (out / name).stat().st_mtime_ns for name in before} == modified
    with (out / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["architecture"] for row in rows] == sorted(ids.split(","))

    # A model made after the resumption is the model that an unbroken run makes.
    later = sorted(set(files(out)) - set(before))[-1]
    (architecture,) = named_architectures(later.split("/")[0])
    torch.set_num_threads(1)
    (model,) = train_architecture(
        architecture, (0,), load_photos(photos_folder), SynthesisRecipe(steps=6)
    )
    for key, value in load_file(out / later).items():
        torch.testing.assert_close(value, model.state[key], rtol=0, atol=0)


def wait_for(condition: object, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Direct children, from Linux's process list; empty elsewhere."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_pool_of_one_architecture_by_id(tmp_path: Path, photos_folder: Path) -> None:
    chosen = named_architectures(Architecture(1, 1, "pre", "nearest", "tanh", "none", 3).id)
    (entry,) = synthesize(photos_folder, tmp_path, chosen, (7,), replace(RECIPE, steps=0))
    assert (entry.architecture, entry.seed, entry.steps) == (chosen[0].id, 7, 0)


# trainer pool info


def test_pool_info_counts_and_measures(pool: Path, photos_folder: Path) -> None:
    entries = read_pool(pool)
    result = CliRunner().invoke(app, ["pool", "info", str(pool), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["models"], found["architectures"]) == (4, 2)
    assert found["seeds"] == {"2": 2}
    for axis, counts in found["axes"].items():
        expected = Counter(str(getattr(a, axis)) for a in TWO for _ in range(2))
        assert counts == expected
    errors = sorted(entry.reconstruction_error for entry in entries)
    assert found["errors"]["0.0"] == errors[0]
    assert found["errors"]["1.0"] == errors[-1]
    assert found["errors"]["0.5"] == pytest.approx((errors[1] + errors[2]) / 2)
    assert found["under_floor"] == sum(r < RECIPE.floor for r in errors) / 4
    assert found["total_seconds"] == pytest.approx(sum(entry.seconds for entry in entries))
    assert found["recipe"]["recipe_hash"] == RECIPE.hash(load_photos(photos_folder))
    assert found["other_recipes"] == 0


def test_pool_info_finds_models_of_another_recipe(pool: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(pool, tmp_path / "copy")
    entry = read_pool(copy)[0]
    metadata = {k: str(v) for k, v in asdict(replace(entry, recipe_hash="another")).items()}
    save_file(load_file(copy / entry.file), copy / entry.file, metadata)
    assert summarise_pool(copy).other_recipes == 1
    (copy / "recipe.json").write_text(json.dumps({"recipe_hash": entry.recipe_hash, "floor": 1e9}))
    assert summarise_pool(copy).under_floor == 1.0


def test_pool_info_prints_a_table(pool: Path) -> None:
    result = CliRunner().invoke(app, ["pool", "info", str(pool)])
    assert result.exit_code == 0, result.output
    for word in ("4 of 2 architectures", "upsampling", "bilinear", "floor 0.005", "median"):
        assert word in result.stdout


def test_pool_info_of_no_pool_fails(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["pool", "info", str(tmp_path)])
    assert result.exit_code == 2
    assert "run `trainer synthesize`" in result.stderr
