"""``trainer publish``: what is collected, and that the command sends it to a Hub on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard as HubCard
from safetensors.torch import save_file
from support.calibrations import one_kind
from support.embeddings import clusters
from support.hub_server import client_environment, serve
from support.tiny_model import TINY_CALIBRATION
from typer.testing import CliRunner

from fingerprint_sdk import Calibration
from fingerprint_sdk.evidence.cohort import no_cohort, stored
from trainer.cli import app
from trainer.denoiser import Student
from trainer.evaluation import ModelRecord, score, write_json
from trainer.export.card import card_text
from trainer.export.hub import collect
from trainer.export.onnx import ModelCard, export_onnx
from trainer.extractor import CompactRecipe, FeatureRecipe, PaperRecipe, RenderRecipe, load_run
from trainer.signal.typicality import Typicality

REPO = "someone/fingerprint-toy"
RECIPE_HASH = "0123456789abcdef"
PUBLISH = (sys.executable, "-W", "ignore", "-m", "trainer.cli", "publish", "--repo-id", REPO)


@dataclass(frozen=True)
class Made:
    """A run, the model exported from it, and scores that name that model."""

    run: Path
    model: Path
    scores: Path


def write_run(folder: Path, seed: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    """A run folder like a finished one's, of a small network that learned nothing."""
    torch.manual_seed(seed)
    denoiser = Student(4, 4)
    recipe = CompactRecipe(embedding=8)
    signal = recipe.signal(denoiser).eval().requires_grad_(False)
    network = recipe.network(signal.parts)
    network.fit_input(signal(torch.randint(0, 256, (16, 3, 128, 128), dtype=torch.uint8)))
    folder.mkdir()
    save_file(denoiser.state_dict(), folder / "denoiser.safetensors")
    save_file(network.state_dict(), folder / "network.safetensors")
    info = {
        "method": "compact",
        "recipe": asdict(recipe),
        "rendering": asdict(RenderRecipe()),
        "features": asdict(FeatureRecipe()),
        "pools": ["/home/somebody/pools/extended"],
        "models": 3,
        "recipe_hash": RECIPE_HASH,
        "versions": {"torch": torch.__version__},
    }
    (folder / "run.json").write_text(json.dumps(info))
    return signal, network.eval()


def write_scores(path: Path, sha256: str) -> None:
    """Scores on two sets of pretend embeddings, as if they were of the model of that hash."""
    calibration = Calibration.from_json(json.dumps(TINY_CALIBRATION), no_cohort(32))
    record = ModelRecord("toy", "1.0.0", sha256, "cpu", {})
    scores = {
        name: score(
            clusters(4, 12, spread),
            {"model0": "vae", "model1": "vae"},
            calibration,
            galleries=2,
            pairs=60,
            resamples=10,
        )
        for name, spread in (("lossless", 0.05), ("nets", 0.3))
    }
    write_json(path, {name: replace(each, model=record) for name, each in scores.items()})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("publish")
    signal, network = write_run(root / "run", 0)
    size = sum(head.embedding for head in network.heads)
    cohort = one_kind(stored(np.eye(size)[:3]), "coarse", base=0.3)
    card = ModelCard("toy", "1.0.0", "Apache-2.0", "A toy.", RECIPE_HASH, TINY_CALIBRATION, cohort)
    components = np.random.default_rng(0).normal(0, 0.01, (len(network.mean), 4))
    typicality = Typicality(np.zeros(len(network.mean)), components.astype(np.float32), 1.0)
    export_onnx(signal, network, card, root / "zoo" / "toy", typicality=typicality)
    config = json.loads((root / "zoo" / "toy" / "config.json").read_text())
    write_scores(root / "scores.json", config["files"]["model.onnx"]["sha256"])
    return Made(root / "run", root / "zoo" / "toy", root / "scores.json")


@pytest.mark.parametrize(("width", "told"), [(64, ""), (16, ", 4 times as narrow,")])
def test_a_card_tells_the_papers_method_and_another_models_figures(
    made: Made, tmp_path: Path, width: int, told: str
):
    info = json.loads((made.run / "run.json").read_text())
    own = {"recipe": info["recipe"]}
    info |= {"method": "paper", "recipe": asdict(PaperRecipe(width=width, steps=900))}
    other = tmp_path / "other.json"
    write_scores(other, "0" * 64)
    scores = json.loads(other.read_text())
    for values in scores.values():
        values["model"]["name"] = "another"
    other.write_text(json.dumps(scores))
    card = card_text(made.model, made.scores, info, beside=other)
    assert f"the paper's ResNet-50{told} on spectra" in card
    assert "900 steps of 50 models × 4 images" in card
    assert "## Beside another\n\nThe same figures of `another` 1.0.0:" in card
    assert card.count("| lossless: real generators, lossless files |") == 2
    assert "to compare with, not to decide by" in card
    assert "Beside" not in card_text(made.model, made.scores, info)
    compact = card_text(made.model, made.scores, info | {"method": "compact"} | own)
    assert "to compare with, not to decide by" not in compact


def test_the_command_sends_what_was_collected(made: Made, tmp_path: Path):
    with serve() as hub:
        done = subprocess.run(
            [*PUBLISH, made.model, "--run", made.run, "--scores", made.scores, "--private"],
            env=client_environment(hub, tmp_path / "hf")
            | {"OMP_NUM_THREADS": "1", "HF_TOKEN": hub.token},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        repo = hub.repos[REPO]
    commit = repo.refs["main"]
    assert f"fingerprint models verify {REPO} --revision {commit}" in done.stdout
    assert repo.private
    files = repo.commits[commit]
    uploads = collect(made.model, made.run, made.scores, REPO)
    assert {u.name: u.content for u in uploads}.items() <= files.items()
    for name in ("config.json", "model.onnx"):
        assert files[name] == (made.model / name).read_bytes()
    assert b"somebody" not in b"".join(files.values())  # no path of this machine

    folder = tmp_path / "back"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    windows = torch.randint(0, 256, (2, 3, 128, 128), dtype=torch.uint8)
    ours, theirs = (
        run.network(run.signal(windows.float())) for run in (load_run(made.run), load_run(folder))
    )
    assert torch.equal(ours, theirs)


def test_the_card_says_what_the_scores_say(made: Made):
    card = HubCard(card_text(made.model, made.scores, load_as=REPO))
    scores = json.loads(made.scores.read_text())
    found = {(r.dataset_type, r.metric_type): r.metric_value for r in card.data.eval_results}
    for pool, values in scores.items():
        accuracy = values["identification"]["model"]["accuracy"]["value"]
        auc = values["verification"]["model"]["auc"]["value"]
        assert found.pop((pool, "accuracy")) == pytest.approx(accuracy, abs=1e-4)
        assert found.pop((pool, "auc")) == pytest.approx(auc, abs=1e-4)
        row = next(line for line in card.text.splitlines() if line.startswith(f"| {pool}"))
        strangers = values["verification"]["decoder"]
        assert f"[{100 * strangers['auc']['value']:.1f}]" in row
        assert f"[{100 * strangers['fnmr_at_fmr_1']:.1f}]" in row
        for part in (values["verification"], values["set_verification"]):
            told = part["model"]["decisions"]
            one, two = (
                f"{100 * found['same']:.1f} / {100 * found['inconclusive']:.1f} / "
                f"{100 * found['different']:.1f}"
                for found in (told["genuine"], told["impostor"])
            )
            costs = f"{told['cllr']:.2f} | {told['cllr_min']:.2f}"
            assert f"| {pool} | {part['images']} | {one} | {two} | {costs} |" in card.text
    assert not found
    assert "Nominally 1 % of the" in card.text
    assert '5 % of those of one "different"' in card.text
    assert card.data.license == "apache-2.0"
    assert f'fp.load("{REPO}")' in card.text


def test_a_dry_run_lists_the_files_and_asks_nobody(made: Made, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    where = ["--run", made.run, "--scores", made.scores, "--repo-id", REPO, "--dry-run"]
    done = CliRunner().invoke(app, ["publish", str(made.model), *map(str, where)])
    assert done.exit_code == 0, done.output
    uploads = collect(made.model, made.run, made.scores, REPO)
    assert [u.name for u in uploads] == [
        "README.md", "config.json", "model.onnx", "network.safetensors", "denoiser.safetensors",
        "run.json",
    ]  # fmt: skip
    assert all(u.name in done.output and u.sha256 in done.output for u in uploads)
    assert f"nothing was sent to {REPO}" in done.output


def test_parts_that_do_not_belong_together(made: Made, tmp_path: Path):
    write_run(tmp_path / "other", 1)
    with pytest.raises(ValueError, match="export the run again"):
        collect(made.model, tmp_path / "other", made.scores, REPO)
    info = json.loads((tmp_path / "other" / "run.json").read_text())
    (tmp_path / "other" / "run.json").write_text(json.dumps(info | {"recipe_hash": "f" * 16}))
    with pytest.raises(ValueError, match="recipe hashes differ"):
        collect(made.model, tmp_path / "other", made.scores, REPO)
    write_scores(tmp_path / "scores.json", "f" * 64)
    with pytest.raises(ValueError, match="another model file"):
        collect(made.model, made.run, tmp_path / "scores.json", REPO)
    with pytest.raises(ValueError, match="owner/name"):
        collect(made.model, made.run, made.scores, "compact")
    with pytest.raises(FileNotFoundError, match="no finished run"):
        collect(made.model, tmp_path, made.scores, REPO)
