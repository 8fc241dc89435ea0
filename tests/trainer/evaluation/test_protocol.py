"""The evaluation protocol: on embeddings with known answers, and on real images."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.embeddings import clusters, unit
from support.paths import EVAL

pytest.importorskip("sklearn", reason="needs the trainer extra")

from rich.console import Console
from support.tiny_model import TINY_CALIBRATION, synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.cohort import no_cohort
from trainer.evaluation import evaluate, print_table, score, write_json
from trainer.evaluation.identification import score_identification

FAST = {"galleries": 4, "pairs": 400, "resamples": 20}
CALIBRATION = fp.Calibration.from_json(json.dumps(TINY_CALIBRATION), no_cohort(32))


def test_separable_models_score_100_percent() -> None:
    scores = score(clusters(6, 15, 0.02), calibration=CALIBRATION, **FAST)
    for level in (scores.identification.model, scores.identification.decoder):
        assert level.accuracy.value == level.macro_f1.value == 1.0
        assert level.accuracy.low == level.accuracy.high == 1.0
        assert level.classes == 6
    assert scores.identification.recall == {f"model{i}": 1.0 for i in range(6)}
    assert scores.identification.probes == 6 * 5
    for part, images in ((scores.verification, 1), (scores.set_verification, 5)):
        assert part.images == images
        assert part.model == part.decoder
        assert part.model.auc.value == part.model.auc.low == part.model.auc.high == 1.0
        assert part.model.best_threshold_accuracy == 1.0
        assert part.model.fnmr_at_fmr_1 == part.model.fnmr_at_fmr_10 == 0.0
        assert part.model.decisions is not None
        assert part.model.decisions.genuine.same == part.model.decisions.impostor.different == 1.0
        assert part.model.decisions.cllr_min == 0.0
        assert part.model.decisions.cllr < 0.05


def test_random_embeddings_score_chance() -> None:
    rng = np.random.default_rng(1)
    embeddings = {f"model{i}": unit(rng.standard_normal((60, 32))) for i in range(8)}
    scores = score(embeddings, pairs=2000, galleries=10, resamples=50)
    assert scores.identification.model.accuracy.value == pytest.approx(1 / 8, abs=0.03)
    for part in (scores.verification, scores.set_verification):
        assert part.model.auc.value == pytest.approx(0.5, abs=0.04)
        assert part.model.auc.low < part.model.auc.value < part.model.auc.high
        assert part.model.best_threshold_accuracy == pytest.approx(0.5, abs=0.04)
        assert part.model.fnmr_at_fmr_1 == pytest.approx(0.99, abs=0.02)
        assert part.model.fnmr_at_fmr_10 == pytest.approx(0.9, abs=0.05)


def test_more_images_a_side_decide_better() -> None:
    scores = score(clusters(6, 20, 0.25), **FAST)
    assert scores.verification.model.auc.value < scores.set_verification.model.auc.value


def test_order_of_the_models_does_not_matter() -> None:
    embeddings = clusters(5, 14, 0.3)
    backwards = dict(reversed(embeddings.items()))
    decoders = {"model0": "vae", "model3": "vae"}
    first, second = score(embeddings, decoders, **FAST), score(backwards, decoders, **FAST)
    assert first == second
    assert score(embeddings, decoders, **FAST, seed=1) != first


def test_embeddings_are_left_as_they_were() -> None:
    embeddings = clusters(3, 12, 0.3)
    before = {model: rows.copy() for model, rows in embeddings.items()}
    score(embeddings, **FAST)
    for model, rows in embeddings.items():
        np.testing.assert_array_equal(rows, before[model])


def test_identification_against_a_plain_loop() -> None:
    embeddings = clusters(5, 13, 0.4) | {"model9": clusters(1, 25, 0.4, size=32)["model0"]}
    decoders = {name: "vae" if name in ("model1", "model2") else name for name in embeddings}
    got = score_identification(embeddings, decoders, galleries=3, seed=7)
    accuracies, decoder_accuracies = [], []
    for seed in (7, 8, 9):
        rng = np.random.default_rng(seed)
        orders = {model: rng.permutation(len(rows)) for model, rows in embeddings.items()}
        gallery = {m: unit(embeddings[m][orders[m][:10]].mean(axis=0)) for m in embeddings}
        hits: list[bool] = []
        decoder_hits: dict[str, list[bool]] = {}
        for model, rows in embeddings.items():
            for probe in rows[orders[model][10:]]:
                best = max(gallery, key=lambda name: float(gallery[name] @ probe))
                hits.append(best == model)
                right = decoders[best] == decoders[model]
                decoder_hits.setdefault(decoders[model], []).append(right)
        accuracies.append(np.mean(hits))
        decoder_accuracies.append(np.mean([np.mean(h) for h in decoder_hits.values()]))
    assert 0.2 < got.model.accuracy.value < 1
    assert got.model.accuracy.value == pytest.approx(np.mean(accuracies))
    assert got.decoder.accuracy.value == pytest.approx(np.mean(decoder_accuracies))
    assert (got.model.classes, got.decoder.classes) == (6, 5)


def test_decoder_level_forgives_models_that_share_a_decoder() -> None:
    embeddings = clusters(4, 20, 0.02)
    embeddings["model1"] = clusters(4, 20, 0.021)["model0"]  # the same fingerprint as model0
    decoders = {"model0": "vae", "model1": "vae"}
    scores = score(embeddings, decoders, **FAST)
    assert scores.identification.model.accuracy.value < 0.9
    assert scores.identification.decoder.accuracy.value == 1.0
    assert scores.identification.decoder.classes == 3
    for part in (scores.verification, scores.set_verification):
        assert part.model.auc.value < 0.99
        assert part.decoder.auc.value == 1.0
        assert part.decoder.genuine_pairs == part.model.genuine_pairs == 400
        assert 0 < part.decoder.impostor_pairs < part.model.impostor_pairs == 400


def test_one_decoder_for_all_leaves_no_impostors() -> None:
    embeddings = clusters(3, 12, 0.1)
    scores = score(embeddings, dict.fromkeys(embeddings, "vae"), **FAST)
    assert scores.verification.decoder is None
    assert scores.identification.decoder.accuracy.value == 1.0
    print_table({"image_set": scores}, console=Console(file=io.StringIO()))


def few() -> Mapping[str, np.ndarray]:
    return clusters(2, 12, 0.1) | {"scarce": clusters(1, 10, 0.1)["model0"]}


@pytest.mark.parametrize(
    ("embeddings", "options", "message"),
    [
        (few(), {}, "'scarce' has 10 images: the protocol needs at least 11"),
        (clusters(1, 20, 0.1), {}, "compares models"),
        ({}, {}, "compares models"),
        ({"a": np.ones((12, 4)), "b": np.eye(12)}, {}, "'a' are not L2-normalised"),
        ({"a": np.full((12, 12), np.nan), "b": np.eye(12)}, {}, "'a' are not L2-normalised"),
        ({"a": np.eye(12), "b": np.eye(13)}, {}, "differ in size"),
        ({"a": np.eye(12, dtype=int), "b": np.eye(12)}, {}, "'a' must be floats"),
        ({"a": np.ones(12), "b": np.eye(12)}, {}, "'a' must be floats"),
        (clusters(2, 12, 0.1), {"pairs": 0}, "at least 1"),
        (clusters(2, 12, 0.1), {"galleries": 0}, "at least 1"),
        (
            clusters(2, 12, 0.1),
            {"quality": {"model0": [None] * 12, "model1": [None] * 3}},
            "one entry for each image of 'model1'",
        ),
    ],
)
def test_bad_embeddings_are_named(embeddings: dict, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(embeddings, **options)


def write_image_set(folder: Path, images: int = 11) -> Path:
    for source in range(3):
        (folder / f"source{source}").mkdir(parents=True)
        for index in range(images):
            pixels = synthetic_image(source, index, 140, 150)
            Image.fromarray(pixels).save(folder / f"source{source}" / f"{index:02}.png")
    return folder


def test_evaluate_records_what_was_scored(tiny_model_path: Path, tmp_path: Path) -> None:
    image_set = write_image_set(tmp_path / "image_set")
    model = fp.Extractor.from_file(tiny_model_path, device="cpu", threads=1)
    seen: list[tuple[str, int, int]] = []
    scores = evaluate(
        model,
        image_set,
        {"source0": "vae"},
        galleries=3,
        pairs=100,
        progress=lambda *n: seen.append(n),
    )
    assert seen == [("image_set", n, 33) for n in range(1, 34)]
    assert scores.images == {"source0": 11, "source1": 11, "source2": 11}
    assert scores.decoders["source0"] == "vae"
    assert scores.lossy == 0.0
    assert scores.model is not None
    assert (scores.model.name, scores.model.version) == (model.name, model.version)
    assert scores.model.sha256 == model.model_sha256
    assert scores.model.versions["fingerprint-sdk"] == fp.__version__
    assert scores.model.versions["numpy"] == np.__version__

    # The same as embedding by hand and scoring that.
    rows, known = model.embed_with_quality(sorted(image_set.glob("*/*.png")))
    names = sorted(path.name for path in image_set.iterdir())
    embeddings, quality = (
        {name: each[11 * i : 11 * (i + 1)] for i, name in enumerate(names)}
        for each in (rows, known)
    )
    by_hand = score(
        embeddings, {"source0": "vae"}, model.calibration, quality, galleries=3, pairs=100
    )
    assert by_hand.verification == scores.verification
    assert by_hand.identification == scores.identification

    target = tmp_path / "new" / "scores.json"
    for _ in range(2):  # the second time over the first
        write_json(target, {"image_set": scores})
    assert [path.name for path in target.parent.iterdir()] == ["scores.json"]
    assert json.loads(target.read_text()) == {"image_set": scores.to_dict()}

    printed = io.StringIO()
    print_table({"a [image set]": scores}, console=Console(file=printed, width=120))
    accuracy = 100 * scores.identification.model.accuracy.value
    assert f"{accuracy:.1f} (" in printed.getvalue()
    for label in (
        "a [image set]",
        "best-threshold accuracy",
        "FNMR at FMR 1 %",
        "Cllr_min",
        "two models: same",
    ):
        assert label in printed.getvalue()


def test_evaluate_stops_at_an_image_it_cannot_use(tiny_model_path: Path, tmp_path: Path) -> None:
    image_set = write_image_set(tmp_path / "image_set")
    model = fp.Extractor.from_file(tiny_model_path, device="cpu", threads=1)
    (image_set / "source1" / "05.png").write_bytes(b"no image")
    with pytest.raises(fp.ImageError, match=r"05\.png"):
        evaluate(model, image_set)
    (image_set / "source1" / "05.png").unlink()
    with pytest.raises(ValueError, match="'source1' has 10 images"):
        evaluate(model, image_set)


@pytest.mark.skipif(not (EVAL / "lossless").is_dir(), reason="needs the evaluation images")
def test_evaluate_on_real_generators(tiny_model_path: Path) -> None:
    model = fp.Extractor.from_file(tiny_model_path, device="cpu", threads=1)
    scores = evaluate(model, EVAL / "lossless", galleries=5, pairs=1000)
    assert len(scores.images) == 12
    shared = Counter(scores.decoders.values())  # from decoders.csv beside the folder
    assert shared["sd1-vae"] > 1
    assert len(shared) < 12
    assert scores.identification.probes == sum(scores.images.values()) - 120
    # Even 15 DCT filters see more than chance (8.3 %), and sets tell more than single images.
    assert 0.25 < scores.identification.model.accuracy.value < 0.7
    assert 0.6 < scores.verification.model.auc.value < 0.85
    assert scores.set_verification.model.auc.value > scores.verification.model.auc.value
