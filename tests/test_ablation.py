"""Ablations: what a variant may see, how it is scored, that it is kept; each question on a toy."""

from __future__ import annotations

import importlib.util
import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import scipy.stats
import torch
from photographs import write_photographs
from small_generators import write_pool
from typer.testing import CliRunner

from fingerprint_sdk.images import load_image
from trainer.ablation import (
    QUESTIONS,
    RUN,
    Cache,
    Laboratory,
    Setting,
    Subset,
    Variant,
    embed_signals,
    fit_power_law,
    fnmr_interval,
    model_residuals,
    pool_signals,
    read_cache,
    run_variants,
    summarise,
    weighted_fnmr,
)
from trainer.cli import app
from trainer.comparison.run import embed_by_run
from trainer.denoiser import Student
from trainer.evaluation import Pool, read_pool
from trainer.evaluation.metrics import fnmr_at_fmr
from trainer.extractor import (
    COMPACT,
    CONVOLUTIONS,
    FeatureRecipe,
    Features,
    RenderRecipe,
    held_out_models,
    run_extractor,
)
from trainer.extractor.source import FeatureSource
from trainer.synthesis import (
    SynthesisRecipe,
    architecture_from_id,
    named_architectures,
    paper288,
    synthesize,
)

WIDTH = 4  # of the synthetic models
IMAGES = 4
TOY = replace(COMPACT, heads=CONVOLUTIONS, steps=2, widths=(8, 8), embedding=8)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos") / "own", 8)


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 16 architectures to train on and one held out, two seeds each."""
    root = tmp_path_factory.mktemp("run")
    every = paper288(WIDTH)
    held = held_out_models(tuple(f"pool/{a.id}/0" for a in every), COMPACT.held_out)
    kept = [a for a, h in zip(every, held, strict=True) if not h]
    chosen = kept[:: len(kept) // 16][:16] + [a for a, h in zip(every, held, strict=True) if h][:1]
    recipe = SynthesisRecipe(steps=0, solve_crops=1, side=32)
    synthesize(photos, root / "pool", tuple(chosen), (0, 1), recipe)
    torch.manual_seed(0)
    run_extractor(
        [root / "pool"],
        photos,
        root / "toy",
        TOY,
        Student(4, 4),
        rendering=RenderRecipe(images=IMAGES, blocks=3, worst_residual=100),
        features=FeatureRecipe(variants=3, photographs=20),
    )
    return root / "toy"


@pytest.fixture(scope="module")
def cache(run: Path) -> Cache:
    return read_cache(run)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("images") / "toys", 11)


@pytest.fixture(scope="module")
def kept(cache: Cache, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the signals of `images` are kept, so that each test need not compute them."""
    folder = tmp_path_factory.mktemp("kept") / "signals"
    pool_signals(read_pool(images), cache.signal, cache.plan["signal"], 3, folder)
    return folder


def names_of(architectures: tuple[object, ...], seeds: int, pool: str = "pool") -> tuple[str, ...]:
    return tuple(f"{pool}/{a.id}/{seed}" for a in architectures for seed in range(seeds))


def trained(setting: Setting, variant: Variant) -> list[str]:
    """Names of the models that a variant is trained on, none of them held out."""
    held = set(np.flatnonzero(setting.held))
    assert held <= set(variant.rows)  # every variant is validated on the same models
    return [setting.models[i] for i in variant.rows if i not in held]


# the cache of a run


def test_a_run_is_read_back_and_need_not_have_been_trained(run: Path, tmp_path: Path) -> None:
    cache = read_cache(run)
    assert len(cache.source.models) == 34
    assert cache.source.values.shape == (34, IMAGES, 3, *cache.signal.shape)
    assert cache.source.crops.shape == (20, 3, *cache.signal.shape)
    assert len(np.unique(cache.source.crops[:, 0], axis=0)) > 10  # crops of eight photographs
    name = cache.source.models[7]
    np.testing.assert_array_equal(cache.source.values[7], np.load(run / f"features/{name}.npy"))
    untrained = tmp_path / "untrained"
    (untrained).mkdir()
    (untrained / "features").symlink_to(run / "features")
    (untrained / "residual.safetensors").symlink_to(run / "residual.safetensors")
    again = read_cache(untrained)
    assert again.source.models == cache.source.models
    assert again.pools == ()
    np.testing.assert_array_equal(again.source.block, cache.source.block)
    with pytest.raises(FileNotFoundError, match="holds no signals"):
        read_cache(tmp_path)


def test_another_denoiser_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "features").symlink_to(run / "features")
    weights = bytearray((run / "residual.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "residual.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match="another signal or by another denoiser"):
        read_cache(tmp_path)


def test_residual_errors_are_the_pool_s(cache: Cache) -> None:
    found = model_residuals(cache.source.models, cache.pools)
    rows = (cache.pools[0] / "manifest.csv").read_text().splitlines()[1:]
    stated = {f"pool/{r.split(',')[0]}/{r.split(',')[1]}": float(r.split(",")[2]) for r in rows}
    assert dict(zip(cache.source.models, found, strict=True)) == pytest.approx(stated)
    with pytest.raises(ValueError, match="in none of the pools"):
        model_residuals(("elsewhere/x/0",), cache.pools)


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


# which models a variant is trained on


def test_reduced_families_are_equally_large_and_hold_what_they_should() -> None:
    setting = Setting(names_of(paper288(), 3), TOY)
    variants = QUESTIONS["synthesis"].variants(setting)
    assert [v.label for v in variants] == [
        "all models", "all, as many at random", "w/o K (one block)", "w/o L (one convolution)",
        "w/o S (conv-norm-act)", "w/o U (bilinear)", "w/o A (no activation)",
        "w/o N (no normalisation)",
    ]  # fmt: skip
    models = {v.label: trained(setting, v) for v in variants}
    assert len(models["all models"]) == int(setting.training.sum())
    assert len({len(m) for label, m in models.items() if label != "all models"}) == 1
    axes = {
        "w/o K (one block)": ("blocks", 1),
        "w/o L (one convolution)": ("convolutions", 1),
        "w/o S (conv-norm-act)": ("order", "post"),
        "w/o U (bilinear)": ("upsampling", "bilinear"),
        "w/o A (no activation)": ("activation", "none"),
        "w/o N (no normalisation)": ("normalisation", "none"),
    }
    for label, (axis, value) in axes.items():
        found = {getattr(architecture_from_id(m.split("/")[1]), axis) for m in models[label]}
        assert found == {value}
    assert len(set(models["all, as many at random"])) == len(models["w/o A (no activation)"])
    whole = QUESTIONS["synthesis"].variants(replace(setting, equal=False))
    sizes = Counter(len(trained(setting, v)) for v in whole)
    assert len(sizes) > 3


def test_the_wider_family_leaves_out_what_it_does_not_vary() -> None:
    setting = Setting(names_of(named_architectures("extended:300"), 2), TOY)
    labels = [v.label for v in QUESTIONS["synthesis"].variants(setting)]
    assert "w/o U (bilinear)" in labels
    assert "w/o S (conv-norm-act)" not in labels


def test_seeds_are_added_to_the_same_architectures_or_traded_for_them() -> None:
    setting = Setting(names_of(paper288()[:60], 5) + names_of(paper288()[60:80], 2), TOY)
    models = {v.label: trained(setting, v) for v in QUESTIONS["seeds"].variants(setting)}
    whole = len({m.split("/")[1] for m in trained(setting, Variant("", TOY, setting.take()))})
    short = {a.id for a in paper288()[60:80]}
    for k in (1, 2, 3, 4, 5):
        label = f"{k} seed{'s' if k > 1 else ''} of every architecture"
        per_architecture = Counter(m.split("/")[1] for m in models[label])
        assert set(per_architecture.values()) == {k}
        assert not short & set(per_architecture)
    one = len(models["1 seed of every architecture"])
    assert one < whole
    for k in (2, 5):
        few = models[f"{k} seeds of {one // k} architectures"]
        assert set(Counter(m.split("/")[1] for m in few).values()) == {k}
        assert one - k < len(few) <= one


def test_smaller_sizes_are_part_of_larger_ones() -> None:
    setting = Setting(names_of(paper288(), 1), TOY)
    variants = QUESTIONS["size"].variants(setting)
    models = [set(trained(setting, v)) for v in variants]
    assert [len(m) for m in models] == [v.x for v in variants]
    assert len(models[-1]) == int(setting.training.sum())
    for small, large in itertools.pairwise(models):
        assert small < large
        assert len(large) // 2 == len(small)


def test_classes_of_residual_error_do_not_overlap() -> None:
    names = names_of(paper288(), 2)
    residuals = np.random.default_rng(0).lognormal(-5, 1, len(names))
    setting = Setting(names, TOY, residuals=residuals)
    value = dict(zip(names, residuals, strict=True))
    variants = QUESTIONS["residual"].variants(setting)
    classes = [[value[m] for m in trained(setting, v)] for v in variants if v.x is not None]
    assert len(classes) == 4
    assert len({len(c) for c in classes}) == 1
    for lower, upper in itertools.pairwise(classes):
        assert max(lower) <= min(upper)
    better, worse = (trained(setting, v) for v in variants[-2:])
    assert [m.split("/")[1] for m in better] == [m.split("/")[1] for m in worse]
    assert all(value[b] < value[w] for b, w in zip(better, worse, strict=True))
    with pytest.raises(ValueError, match="--pool"):
        QUESTIONS["residual"].variants(replace(setting, residuals=None))


def test_pools_are_compared_at_one_size() -> None:
    names = names_of(paper288()[:40], 1, "a") + names_of(paper288()[40:60], 1, "b")
    setting = Setting(names, TOY)
    models = {v.label: trained(setting, v) for v in QUESTIONS["pools"].variants(setting)}
    assert {m.split("/")[0] for m in models["pool a"]} == {"a"}
    assert len(models["pool a"]) == len(models["pool b"])
    with pytest.raises(ValueError, match="of one pool"):
        QUESTIONS["pools"].variants(Setting(names[:40], TOY))


def test_recipes_differ_in_one_thing_and_train_as_long() -> None:
    setting = Setting(names_of(paper288(), 1), TOY, pixels=True)
    for question in ("signal", "processing", "loss", "heads", "windows"):
        variants = QUESTIONS[question].variants(setting)
        assert len({v.label for v in variants}) == len(variants) > 3
        assert {v.recipe.steps for v in variants} == {TOY.steps}
        models = {tuple(trained(setting, v)) for v in variants if v.source == RUN}
        assert len(models) == 1
    kept = {v.label: v.kept for v in QUESTIONS["processing"].variants(setting)}
    assert kept["half JPEG, quality 75 to 95"] == (0, 1)
    assert kept["half processed at will"] == (0, 2)
    with pytest.raises(ValueError, match="three variants"):
        QUESTIONS["processing"].variants(replace(setting, variants=1))


# real images


def test_embeddings_are_the_run_s_and_signals_are_kept(
    run: Path, cache: Cache, images: Path, tmp_path: Path
) -> None:
    from trainer.extractor import load_run

    finished, whole = load_run(run), read_pool(images)
    few = {name: paths[:2] for name, paths in whole.images.items() if name != "lanczos"}
    pool = Pool(few, whole.decoders)
    signals = pool_signals(pool, finished.signal, "s", 3, tmp_path)
    found = embed_signals(finished.network, signals)
    embed = embed_by_run(finished)
    for name in pool.images:
        expected = embed([load_image(path).pixels for path in pool.images[name]])
        np.testing.assert_allclose(found[name], expected, atol=3e-2)  # signals are float16
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(written) == 1
    again = pool_signals(pool, cache.signal, "s", 3, tmp_path)
    np.testing.assert_array_equal(again["nearest"][1], signals["nearest"][1])
    pool_signals(pool, cache.signal, "s", 1, tmp_path)
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
    names = names_of(paper288()[:40], 1)
    return FeatureSource(Features(values, names, np.zeros(40, int)))


def test_heads_see_their_parts_and_results_are_kept(
    cache: Cache, images: Path, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "signals").symlink_to(kept)
    source = coded_source(cache.signal.shape)
    recipe = replace(TOY, steps=25, held_out=0.3)
    setting = Setting(source.models, recipe, variants=1)
    variants = QUESTIONS["heads"].variants(setting)[:2]
    laboratory = Laboratory(
        {RUN: (source, "coded")},
        {RUN: (cache.signal, cache.plan["signal"])},
        {"toys": read_pool(images)},
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


def test_weights_stand_for_repeated_pairs() -> None:
    rng = np.random.default_rng(0)
    for fmr in (0.0, 0.01, 0.1, 1.0):
        genuine = rng.integers(0, 40, 300) / 40
        impostor = np.sort(rng.integers(0, 30, 400) / 40)[::-1]
        a, b = rng.integers(0, 4, 300), rng.integers(0, 4, 400)
        expected = fnmr_at_fmr(np.repeat(genuine, a), np.repeat(impostor, b), fmr)
        assert weighted_fnmr(genuine, a, impostor, b, fmr) == pytest.approx(expected)


def test_the_interval_of_the_fnmr_widens_with_the_generators_differences() -> None:
    rng = np.random.default_rng(0)
    centres = np.linalg.qr(rng.standard_normal((16, 16)))[0][:8]

    def embeddings(noises: list[float]) -> dict[str, np.ndarray]:
        rows = {}
        for i, noise in enumerate(noises):
            z = centres[i] + noise * rng.standard_normal((12, 16)) + 0.5 * centres[0]
            rows[f"g{i}"] = z / np.linalg.norm(z, axis=1, keepdims=True)
        return rows

    alike, apart = embeddings([0.3] * 8), embeddings([0.05] * 4 + [0.8] * 4)
    low, high = fnmr_interval(alike)
    assert 0 <= low < high <= 1
    wide = fnmr_interval(apart)
    assert wide[1] - wide[0] > high - low
    assert fnmr_interval(alike) == (low, high)


def test_the_fitted_line_is_scipy_s() -> None:
    rng = np.random.default_rng(0)
    x = [90.0, 180.0, 360.0, 720.0, 1440.0]
    errors = [80 * v**-0.3 * float(np.exp(0.05 * rng.standard_normal())) for v in x]
    found = fit_power_law(x, errors, 5760)
    expected = scipy.stats.linregress(np.log(x), np.log(errors))
    assert found["exponent"] == pytest.approx(expected.slope)
    assert found["spread"] == pytest.approx(expected.stderr)
    at = np.exp(expected.intercept + expected.slope * np.log(5760))
    assert found["error"] == pytest.approx(at)
    with pytest.raises(ValueError, match="three points"):
        fit_power_law(x[:2], errors[:2], 5760)


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
    assert "2 steps of 64×4 images for each variant, 1 seed;" in record["scale"]
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
    path = Path(__file__).parents[1] / "benchmarks" / "quality" / "networks.py"
    spec = importlib.util.spec_from_file_location("networks", path)
    assert spec is not None
    assert spec.loader is not None
    script: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(run, images, 0.3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["perceptron", "convolution"]
    assert all("held-out AUC" in line for line in lines)
