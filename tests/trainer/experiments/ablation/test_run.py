"""Ablations: the cache of a run, how a variant is scored and kept, and the command."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from support.paths import ROOT
from support.photographs import write_photographs
from support.small_generators import write_image_set
from typer.testing import CliRunner

from fingerprint_sdk.images import load_image
from trainer.cli import app
from trainer.denoiser import Student
from trainer.evaluation import ImageSet, read_image_set
from trainer.experiments.ablation import (
    QUESTIONS,
    RUN,
    Cache,
    Laboratory,
    Setting,
    Subset,
    embed_signals,
    image_signals,
    read_cache,
    reconstruction_errors,
    run_variants,
    summarise,
)
from trainer.experiments.ablation.convolutions import DESCENT, ConvolutionRecipe
from trainer.experiments.comparison.run import CONSTANT, embed_by_run
from trainer.extractor import (
    CompactRecipe,
    FeatureRecipe,
    Features,
    Head,
    RenderRecipe,
    held_out_models,
    run_compact,
)
from trainer.extractor.source import FeatureSource
from trainer.synthesis import (
    ModelId,
    SynthesisRecipe,
    paper288,
    synthesize,
)

WIDTH = 4  # of the synthetic models
IMAGES = 4
TOY = CompactRecipe(heads=(Head(("coefficients",)), Head(("periods",))), embedding=8)
CONVOLUTIONS = ConvolutionRecipe(widths=(8, 8), embedding=8, descent=replace(DESCENT, steps=2))


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos") / "own", 8)


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 16 architectures to train on and one held out, two seeds each."""
    root = tmp_path_factory.mktemp("run")
    every = paper288(WIDTH)
    held = held_out_models([ModelId("pool", a.id, 0) for a in every], TOY.held_out)
    kept = [a for a, h in zip(every, held, strict=True) if not h]
    chosen = kept[:: len(kept) // 16][:16] + [a for a, h in zip(every, held, strict=True) if h][:1]
    recipe = SynthesisRecipe(steps=0, solve_crops=1, side=32)
    synthesize(photos, root / "pool", tuple(chosen), (0, 1), recipe)
    torch.manual_seed(0)
    run_compact(
        [root / "pool"],
        photos,
        root / "toy",
        TOY,
        Student(4, 4),
        rendering=RenderRecipe(images=IMAGES, blocks=3, worst_error=100),
        features=FeatureRecipe(variants=3, photographs=20),
    )
    return root / "toy"


@pytest.fixture(scope="module")
def cache(run: Path) -> Cache:
    return read_cache(run)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image_set(tmp_path_factory.mktemp("images") / "toys", 11)


@pytest.fixture(scope="module")
def kept(cache: Cache, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the signals of `images` are kept, so that each test need not compute them."""
    folder = tmp_path_factory.mktemp("kept") / "signals"
    image_signals(read_image_set(images), cache.signal, cache.plan["signal"], 3, folder)
    return folder


# the cache of a run


def test_a_run_is_read_back_and_need_not_have_been_trained(run: Path, tmp_path: Path) -> None:
    cache = read_cache(run)
    assert len(cache.source.models) == 34
    assert cache.source.values.shape == (34, IMAGES, 3, *cache.signal.shape)
    assert cache.source.crops.shape == (20, 3, *cache.signal.shape)
    assert len(np.unique(cache.source.crops[:, 0], axis=0)) > 10  # crops of eight photographs
    name = cache.source.models[7]
    np.testing.assert_array_equal(cache.source.values[7], np.load(run / f"signals/{name}.npy"))
    untrained = tmp_path / "untrained"
    (untrained).mkdir()
    (untrained / "signals").symlink_to(run / "signals")
    (untrained / "denoiser.safetensors").symlink_to(run / "denoiser.safetensors")
    again = read_cache(untrained)
    assert again.source.models == cache.source.models
    assert again.pools == ()
    np.testing.assert_array_equal(again.source.block, cache.source.block)
    with pytest.raises(FileNotFoundError, match="holds no signals"):
        read_cache(tmp_path)


def test_another_denoiser_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "signals").symlink_to(run / "signals")
    weights = bytearray((run / "denoiser.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "denoiser.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match="another signal or by another denoiser"):
        read_cache(tmp_path)


def test_reconstruction_errors_are_the_pool_s(cache: Cache) -> None:
    found = reconstruction_errors(cache.source.models, cache.pools)
    rows = (cache.pools[0] / "manifest.csv").read_text().splitlines()[1:]
    cells = [row.split(",") for row in rows]
    stated = {ModelId("pool", cell[0], int(cell[1])): float(cell[2]) for cell in cells}
    assert dict(zip(cache.source.models, found, strict=True)) == pytest.approx(stated)
    with pytest.raises(ValueError, match="in none of the pools"):
        reconstruction_errors((ModelId("elsewhere", "x", 0),), cache.pools)


def test_a_subset_fetches_its_own_models_and_variants(cache: Cache) -> None:
    subset = Subset(cache.source, np.array([5, 11, 30]), (0, 2))
    assert subset.models == tuple(cache.source.models[i] for i in (5, 11, 30))
    assert (subset.images, subset.variants) == (IMAGES, 2)
    every = np.arange(len(cache.source.models))
    merged = Subset(cache.source, every, (0,), blocks=2).block
    assert set(merged) == {0, 1}
    for block in range(3):  # a content block stays together
        assert len(set(merged[cache.source.block == block])) == 1
    got = subset.fetch(np.array([2, 0]), np.array([[1, 3], [0, 2]]), np.array([1, 0]))
    values = cache.source.values.astype(np.float32)
    np.testing.assert_allclose(got[0].numpy(), values[30, [1, 3], 2].mean(0), rtol=1e-6)
    np.testing.assert_allclose(got[1].numpy(), values[5, [0, 2], 0].mean(0), rtol=1e-6)


# real images


def test_embeddings_are_the_run_s_and_signals_are_kept(
    run: Path, cache: Cache, images: Path, tmp_path: Path
) -> None:
    from trainer.extractor import load_run

    finished, whole = load_run(run), read_image_set(images)
    few = {name: paths[:2] for name, paths in whole.images.items() if name != "lanczos"}
    image_set = ImageSet(few, whole.decoders)
    signals = image_signals(image_set, finished.signal, "s", 3, tmp_path)
    found = embed_signals(finished.network, signals, constant=CONSTANT)
    embed = embed_by_run(finished)
    for name in image_set.images:
        expected = embed([load_image(path).pixels for path in image_set.images[name]])
        np.testing.assert_allclose(found[name], expected, atol=3e-2)  # signals are float16
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(written) == 1
    again = image_signals(image_set, cache.signal, "s", 3, tmp_path)
    np.testing.assert_array_equal(again["nearest"][1], signals["nearest"][1])
    image_signals(image_set, cache.signal, "s", 1, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert {path: path.stat().st_mtime_ns for path in written} == written
    averaged = embed_signals(finished.network, signals, "spectra")
    mean = torch.from_numpy(signals["nearest"][0].astype(np.float32).mean(0))[None]
    unit = torch.nn.functional.normalize(finished.network(mean), dim=1).detach().numpy()[0]
    np.testing.assert_allclose(averaged["nearest"][0], unit, atol=1e-5)


# training and scoring


def coded_source(shape: tuple[int, ...]) -> FeatureSource:
    """40 models that only the residual's spectra tell apart."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((40, IMAGES, 1, *shape)).astype(np.float16)
    size = 3 * 40 * 21  # the first part
    values[..., :size] += 3 * rng.standard_normal((40, 1, 1, size)).astype(np.float16)
    names = tuple(ModelId("pool", a.id, 0) for a in paper288()[:40])
    return FeatureSource(Features(values, names, np.zeros(40, int)))


def test_heads_see_their_parts_and_results_are_kept(
    cache: Cache, images: Path, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "signals").symlink_to(kept)
    source = coded_source(cache.signal.shape)
    descent = replace(CONVOLUTIONS.descent, steps=25)
    convolutions = replace(CONVOLUTIONS, descent=descent, held_out=0.3)
    base = replace(TOY, held_out=0.3)
    setting = Setting(source.models, base, convolutions, variants=1)
    variants = QUESTIONS["heads"].variants(setting)[:2]
    laboratory = Laboratory(
        {RUN: (source, "coded")},
        {RUN: (cache.signal, cache.plan["signal"])},
        {"toys": read_image_set(images)},
        tmp_path,
        galleries=2,
        pairs=100,
    )
    shown = Counter[str]()

    def progress(title: str, done: int, total: int, **numbers: float) -> None:
        assert 0 < done <= total
        shown[title] += 1

    first = run_variants(laboratory, variants, (0, 1), progress=progress)
    auc = {(r.label, r.seed): r.held_out_auc for r in first}
    assert len(auc) == 4
    for seed in (0, 1):
        assert auc["residual", seed] > 0.9
        assert 0.3 < auc["image", seed] < 0.7
    assert {r.models for r in first} == {int(setting.training.sum())}
    assert shown["variants"] == 4

    networks = {p: p.stat().st_mtime_ns for p in tmp_path.glob("networks/*/network.safetensors")}
    assert len(networks) == 4
    assert not list(tmp_path.rglob("checkpoint.pt"))
    results = sorted(tmp_path.glob("results/*.json"))
    results[0].unlink()  # as if killed before it was written
    again = run_variants(laboratory, variants, (0, 1), progress=progress)
    assert [(r.label, r.scores) for r in again] == [(r.label, r.scores) for r in first]
    assert {path: path.stat().st_mtime_ns for path in networks} == networks

    lines = summarise(first, "toys")
    assert [line.label for line in lines] == ["residual", "image"]
    both = [
        100 * r.scores["toys"]["identification"]["model"]["accuracy"]["value"]
        for r in first
        if r.label == "residual"
    ]
    assert lines[0].identification[0] == pytest.approx(np.mean(both))
    assert lines[0].spread == pytest.approx(abs(both[0] - both[1]) / 2**0.5)


# the command


def command(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["ablate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def options(run: Path, images: Path, out: Path, kept: Path) -> list[object]:
    (out / ".ablation").mkdir(parents=True, exist_ok=True)
    (out / ".ablation" / "signals").symlink_to(kept)
    few = ["--steps", 2, "--galleries", 2, "--pairs", 50]
    return ["--run", run, "--images", images, "--out", out, *few]


def test_size_is_drawn_on_logarithmic_axes(
    run: Path, images: Path, kept: Path, tmp_path: Path
) -> None:
    command("size", *options(run, images, tmp_path, kept))
    record = json.loads((tmp_path / "ablate-size.json").read_text())
    assert "convolutions in 2 steps of 64×4 images; 1 seed;" in record["scale"]
    assert "--full" in record["scale"]
    lines = record["figures"]["lines"]["toys"]
    assert [line["models"] for line in lines] == [16, 32]
    assert (tmp_path / "ablate-size-curves.png").stat().st_size > 5000
    page = (tmp_path / "ablate-size.html").read_text()
    for words in ("identification [decoder]", "FNMR at FMR 1 %", "32 models"):
        assert words in page


def test_photographs_and_pixels_are_rendered(
    run: Path, images: Path, kept: Path, photos: Path, tmp_path: Path
) -> None:
    other = write_photographs(tmp_path / "grainy", 6, grain=12.0)
    few = [*options(run, images, tmp_path / "out", kept), "--models", 4]
    command("photos", *few, "--photos", other, "--photos", photos)
    record = json.loads((tmp_path / "out" / "ablate-photos.json").read_text())
    labels = [line["label"] for line in record["figures"]["lines"]["toys"]]
    assert labels[0] == "photographs of the run"
    assert labels[1].startswith("grainy (")
    assert labels[3] == "these together"
    assert {line["models"] for line in record["figures"]["lines"]["toys"]} == {4}
    # Rendered again on the run's own photographs, nothing changes.
    lines = record["figures"]["lines"]["toys"]
    assert lines[2] | {"label": "", "seconds": 0} == lines[0] | {"label": "", "seconds": 0}
    assert lines[1]["auc"] != lines[0]["auc"]

    command("signal", *few, "--rgb", "--photos", photos)
    record = json.loads((tmp_path / "out" / "ablate-signal.json").read_text())
    assert [line["label"] for line in record["figures"]["lines"]["toys"]][-1] == "RGB pixels"
    assert "<td>60.3</td>" in (tmp_path / "out" / "ablate-signal.html").read_text()
    result = CliRunner().invoke(
        app, ["ablate", "signal", *map(str, few), "--rgb", "--photos", str(other)]
    )
    assert result.exit_code == 2
    assert "the run's own photographs" in result.output


def test_bad_requests_are_named(run: Path, images: Path, kept: Path, tmp_path: Path) -> None:
    few = [str(option) for option in options(run, images, tmp_path, kept)]
    cases = {
        ("colour",): "is no question; choose from synthesis",
        ("photos",): "give folders of other photographs by --photos",
        ("pools",): "of one pool",
    }
    for arguments, message in cases.items():
        result = CliRunner().invoke(app, ["ablate", *arguments, *few])
        assert result.exit_code == 2
        assert message in result.output


def test_the_comparison_of_networks_runs(
    run: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ROOT / "benchmarks" / "quality" / "networks.py"
    spec = importlib.util.spec_from_file_location("networks", path)
    assert spec is not None
    assert spec.loader is not None
    script: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(run, images, 0.3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["perceptron", "convolution"]
    assert all("held-out AUC" in line for line in lines)
