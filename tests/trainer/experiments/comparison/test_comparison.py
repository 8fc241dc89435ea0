"""The comparison of rivals: who sees what, scores, caches, the page; and fine-tuning."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support.calibrations import one_kind
from support.small_generators import GENERATORS, generated, write_image_set
from support.tiny_model import TINY_CALIBRATION
from typer.testing import CliRunner

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.cohort import stored
from fingerprint_sdk.images import load_image
from trainer.cli import app
from trainer.denoiser import Student
from trainer.evaluation import ImageSet, read_image_set
from trainer.experiments.comparison import CompareRecipe, compare, experiment, split_image_set
from trainer.experiments.comparison.embeddings import shrink
from trainer.experiments.comparison.finetuning import FinetuneRecipe, finetune
from trainer.experiments.comparison.run import CONSTANT, embed_by_run, embed_by_sdk
from trainer.experiments.page import write_experiment
from trainer.export.onnx import ModelCard, export_onnx
from trainer.extractor import CompactRecipe, load_run

RECIPE = CompareRecipe(
    rivals=("spectrum", "self-description"),
    finetuning=FinetuneRecipe(crops=2, batch=12),
    galleries=3,
    pairs=200,
)


@pytest.fixture(scope="module")
def image_set(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    return read_image_set(write_image_set(tmp_path_factory.mktemp("image_set") / "toy", 18))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder like a finished one's, of a network that learned nothing yet."""
    folder = tmp_path_factory.mktemp("run") / "toy"
    folder.mkdir()
    torch.manual_seed(0)
    recipe, denoiser = CompactRecipe(embedding=16), Student(4, 4)
    signal = recipe.signal(denoiser).eval().requires_grad_(False)
    network = recipe.network(signal.parts)
    network.fit_input(signal(torch.randint(0, 256, (8, 3, 128, 128), dtype=torch.uint8)))
    save_file(denoiser.state_dict(), folder / "denoiser.safetensors")
    save_file(network.state_dict(), folder / "network.safetensors")
    info = {"method": "compact", "recipe": asdict(recipe), "pools": ["pools/x"]}
    info["recipe_hash"] = "0123456789abcdef"
    (folder / "run.json").write_text(json.dumps(info))
    (folder / "log.csv").write_text("step\n")
    return folder


def paths(*counts: int) -> dict[str, tuple[Path, ...]]:
    return {f"g{i}": tuple(Path(f"{i}/{k}") for k in range(n)) for i, n in enumerate(counts)}


def test_no_training_image_is_a_test_image_and_no_seen_generator_is_unseen() -> None:
    images = paths(25, 36, 25, 36, 25, 36, 25)
    split = split_image_set(ImageSet(images, {name: name for name in images}))
    assert len(split.seen) == 3
    assert len(split.unseen) == 4
    assert set(split.train) == set(split.seen)
    assert not set(split.seen) & set(split.unseen)
    for name in split.seen:
        assert not set(split.train[name]) & set(split.seen[name])
        assert set(split.train[name]) | set(split.seen[name]) == set(images[name])
        assert len(split.train[name]) == {25: 10, 36: 14}[len(images[name])]
    assert all(split.unseen[name] == images[name] for name in split.unseen)


def test_more_images_of_seen_generators_are_trained_on_and_their_twins_left_out() -> None:
    images = paths(20, 20, 20, 20, 20, 20)
    decoders = {name: "shared" if name in ("g0", "g3") else name for name in images}
    more = {name: tuple(Path(f"more/{name}/{k}") for k in range(7)) for name in ("g0", "g1")}
    image_set = ImageSet(images, decoders)
    split = split_image_set(image_set, training=ImageSet(more, decoders), train_share=0)
    assert split.train == more
    assert split.seen == {name: images[name] for name in more}
    assert set(split.unseen) == {"g2", "g4", "g5"}
    split = split_image_set(image_set, training=ImageSet(more, decoders), train_share=0.2)
    for name in more:
        assert split.train[name][:7] == more[name]
        assert len(split.train[name]) == 7 + 4
        assert len(split.seen[name]) == 16
        assert not set(split.train[name]) & set(split.seen[name])
    with pytest.raises(ValueError, match="g9"):
        split_image_set(image_set, training=ImageSet({"g9": more["g0"]}, {}))
    with pytest.raises(ValueError, match="training share"):
        split_image_set(image_set, train_share=0)


@pytest.mark.parametrize("seed", range(8))
def test_generators_of_one_decoder_stay_together(seed: int) -> None:
    images = paths(*[20] * 8)
    decoders = {name: "shared" if name in ("g0", "g3", "g6") else name for name in images}
    split = split_image_set(ImageSet(images, decoders), seed=seed)
    together = {"g0", "g3", "g6"}
    assert together <= set(split.seen) or together <= set(split.unseen)
    assert len(split.seen) == 4


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ((20, 20, 20), {"seen": ["g0", "nobody"]}, "nobody"),
        ((20, 20, 20), {"seen": ["g0", "g1"]}, "at least two generators"),
        ((20, 20, 20, 20), {"train_share": 1.0}, "training share"),
        ((20, 20, 20, 20), {"train_share": 0.5}, "has 10 test images"),
    ],
)
def test_a_split_that_cannot_be_scored_is_refused(
    counts: tuple[int, ...], options: dict[str, object], message: str
) -> None:
    images = paths(*counts)
    with pytest.raises(ValueError, match=message):
        split_image_set(ImageSet(images, {name: name for name in images}), **options)


def test_shrinking_keeps_every_inner_product() -> None:
    rows = np.random.default_rng(0).standard_normal((12, 400)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    small = shrink(rows)
    assert small.shape == (12, 12)
    np.testing.assert_allclose(small @ small.T, rows @ rows.T, atol=1e-6)
    assert shrink(rows[:, :5]) is not None
    assert shrink(rows[:, :5]).shape == (12, 5)


def test_compare_scores_both_halves_and_resumes(
    image_set: ImageSet, run: Path, tmp_path: Path
) -> None:
    split = split_image_set(image_set, seen=GENERATORS[:2], train_share=0.3)
    shown: list[str] = []

    def progress(stage: str, done: int, total: int) -> None:
        assert 0 < done <= total
        shown.append(stage)

    cache = tmp_path / "cache"
    first = compare(image_set, split, cache, RECIPE, run=run, progress=progress)
    assert list(first.methods) == ["spectrum", "self-description", "zero-shot", "fine-tuned"]
    described = first.methods["self-description"]
    # Traces so loud that neighbouring pixels cannot but tell them, seen or not.
    assert described.seen.identification.model.accuracy.value > 0.9
    assert described.unseen.identification.model.accuracy.value > 0.9
    assert set(described.seen.images) == set(GENERATORS[:2])
    assert set(described.unseen.images.values()) == {18}
    assert "ours, fine-tuned: training" in shown

    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    shown.clear()
    again = compare(image_set, split, cache, RECIPE, run=run, progress=progress)
    assert not shown  # everything came from the cache
    assert again.to_dict() == first.to_dict()
    assert kept == {path: path.stat().st_mtime_ns for path in kept}

    next(cache.glob("spectrum-*.npz")).unlink()  # as if killed before it was written
    third = compare(image_set, split, cache, RECIPE, run=run, progress=progress)
    assert set(shown) == {"raw log spectrum: embedding"}
    assert third.to_dict() == first.to_dict()

    page = write_experiment(tmp_path / "page", experiment(first))
    text = page.read_text()
    for words in ("Table VIII", "Table IX", "ours, fine-tuned", "raw log spectrum", "--full"):
        assert words in text
    stored = json.loads((tmp_path / "page" / "compare.json").read_text())["figures"]
    assert stored["split"]["seen"]["nearest"] == [path.name for path in split.seen["nearest"]]
    assert (tmp_path / "page" / "compare-unseen.png").stat().st_size > 1000


def test_all_images_may_be_recompressed_first(
    image_set: ImageSet, tiny_model_dir: Path, tmp_path: Path
) -> None:
    split = split_image_set(image_set, seen=GENERATORS[:2], train_share=0.3)
    recipe = replace(RECIPE, rivals=("spectrum",))
    options = {"model": str(tiny_model_dir)}
    plain = compare(image_set, split, tmp_path, recipe, **options)
    coarse = compare(image_set, split, tmp_path, replace(recipe, processing="jpeg20"), **options)

    # By hand: the same images, recompressed in files of their own.
    for path in sorted(path for group in image_set.images.values() for path in group):
        copy = tmp_path / "coarse" / path.parent.name / f"{path.stem}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(load_image(path).pixels).save(copy, quality=20)
    copies = read_image_set(tmp_path / "coarse", image_set.decoders)
    again = compare(
        copies,
        split_image_set(copies, seen=GENERATORS[:2], train_share=0.3),
        tmp_path / "other",
        recipe,
        **options,
    )
    for name in ("spectrum", "zero-shot"):
        assert coarse.methods[name].seen == again.methods[name].seen
        assert coarse.methods[name].unseen == again.methods[name].unseen
    assert coarse.methods["spectrum"] != plain.methods["spectrum"]
    assert "All images, those to learn from as well, are jpeg20." in experiment(coarse).scale
    assert "All images" not in experiment(plain).scale


def command(*arguments: object) -> tuple[int, str]:
    """Exit code and output of a `trainer` command."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_the_command_writes_a_page_that_says_what_is_missing(
    image_set: ImageSet, tiny_model_dir: Path, tmp_path: Path
) -> None:
    folder = image_set.images["nearest"][0].parent.parent
    code, output = command(
        *("compare", "--images", folder, "--out", tmp_path, "--model", tiny_model_dir),
        *("--rivals", "spectrum", "--seen", "nearest", "--seen", "bilinear"),
        *("--train-share", 0.3, "--galleries", 2, "--pairs", 100),
    )
    assert code == 0, output
    figures = json.loads((tmp_path / "compare.json").read_text())["figures"]
    assert list(figures["methods"]) == ["spectrum", "zero-shot"]
    assert "--run" in figures["left_out"]["ours, fine-tuned"]
    assert "Left out: ours, fine-tuned" in (tmp_path / "compare.html").read_text()


def test_the_command_names_a_processing_that_is_none(image_set: ImageSet, tmp_path: Path) -> None:
    folder = image_set.images["nearest"][0].parent.parent
    code, output = command("compare", "--images", folder, "--out", tmp_path, "--as", "magic")
    assert code == 2
    assert "'magic' is nothing that is done" in output


def test_the_command_names_a_generator_that_is_not_there(
    image_set: ImageSet, run: Path, tmp_path: Path
) -> None:
    folder = image_set.images["nearest"][0].parent.parent
    code, output = command(
        "finetune", run, "--images", folder, "--out", tmp_path / "x", "--seen", "nobody"
    )
    assert code == 2
    assert "nobody" in output


def test_a_run_and_its_exported_model_give_the_same_vectors(run: Path, tmp_path: Path) -> None:
    finished = load_run(run)
    size = sum(head.embedding for head in finished.network.heads) + 1
    cohort = one_kind(stored(np.eye(size)[:1]), base=0.5)
    card = ModelCard(
        "toy", "1.0.0", "Apache-2.0", "A toy.", "0", TINY_CALIBRATION, cohort, CONSTANT
    )
    export_onnx(finished.signal, finished.network, card, tmp_path / "toy")
    model = fp.load(tmp_path / "toy", device="cpu")
    images = [generated(name, k) for name in GENERATORS[:2] for k in range(2)]
    by_run, by_sdk = embed_by_run(finished)(images), embed_by_sdk(model)(images)
    assert by_run.shape == by_sdk.shape == (4, model.embedding_size)
    np.testing.assert_allclose(by_run, by_sdk, atol=1e-4)
    # The last number holds the constant, which the protocol's galleries depend on.
    constant = CONSTANT / np.sqrt(1 + CONSTANT**2)
    np.testing.assert_allclose(by_run[:, -1], constant, atol=1e-6)


def test_finetuning_pulls_the_seen_generators_apart(run: Path, tmp_path: Path) -> None:
    images = {name: [generated(name, k) for k in range(6)] for name in GENERATORS[:3]}
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    recipe = FinetuneRecipe(epochs=2, crops=8, batch=12, learning_rate=1e-3)
    tuned = finetune(run, images, tmp_path / "tuned", recipe)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert {path.name for path in (tmp_path / "tuned").iterdir()} == {
        "run.json",
        "network.safetensors",
        "denoiser.safetensors",
    }

    def gap(embeddings: list[np.ndarray]) -> float:
        """Mean cosine within a generator less that between generators, on other images."""
        z = np.concatenate(embeddings)
        label = np.repeat(np.arange(3), 4)
        same = label[:, None] == label[None, :]
        cosine = z @ z.T
        return float(cosine[same & ~np.eye(12, dtype=bool)].mean() - cosine[~same].mean())

    others = [[generated(name, 500 + k) for k in range(4)] for name in images]
    zero_shot = embed_by_run(load_run(run))
    fine_tuned = embed_by_run(load_run(tmp_path / "tuned"))
    assert gap([fine_tuned(x) for x in others]) > 1.5 * gap([zero_shot(x) for x in others]) > 0
    # What `export-onnx` needs of a run is kept, the rest says where it came from.
    assert tuned.info["pools"] == ["pools/x"]
    assert tuned.info["finetuned"]["from"] == "0123456789abcdef"
    assert tuned.info["recipe_hash"] != "0123456789abcdef"
    assert len(tuned.info["recipe_hash"]) == 16

    written = (tmp_path / "tuned" / "network.safetensors").stat().st_mtime_ns
    finetune(run, images, tmp_path / "tuned", recipe)  # finished: taken as it is
    assert (tmp_path / "tuned" / "network.safetensors").stat().st_mtime_ns == written
    with pytest.raises(ValueError, match="holds another run"):
        finetune(run, images, tmp_path / "tuned", replace(recipe, seed=1))


def test_finetuning_on_one_generator_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too few"):
        finetune(run, {"nearest": [generated("nearest", 0)]}, tmp_path / "x")
    assert not (tmp_path / "x").exists()
