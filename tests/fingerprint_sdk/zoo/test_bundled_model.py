"""The bundled models: canonical embeddings, and what they must be able to do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.paths import ROOT

import fingerprint_sdk as fp
from fingerprint_sdk import zoo
from fingerprint_sdk.images.treatment import TREATMENTS

IMAGES = ROOT / "examples" / "images"
GOLDEN = ROOT / "tests" / "golden" / "models"
LOSSLESS = ROOT.parent / "shared" / "eval" / "lossless"


LARGEST = {"compact": 16 * 2**20, "paper": 10 * 2**20}
LEAST_APART = {"compact": 0.1, "paper": 0.01}
"""What an example's own images are more alike by, in cosine, than it and its sibling are."""


@pytest.fixture(scope="module", params=[model.name for model in zoo.list_models()])
def extractor(request: pytest.FixtureRequest) -> fp.Extractor:
    return fp.load(request.param, device="cpu")


def test_two_models_come_with_the_package() -> None:
    assert {model.name for model in zoo.list_models()} == set(LARGEST)


def test_canonical_embeddings(extractor: fp.Extractor) -> None:
    golden = json.loads((GOLDEN / f"{extractor.name}.json").read_text())
    assert extractor.model_sha256 == golden["sha256"], "a new model: renew tests/golden"
    for name, vector in golden["embeddings"].items():
        embedding = extractor.embed(IMAGES / name)
        np.testing.assert_allclose(embedding[: len(vector)], vector, atol=2e-4)


def test_the_examples_are_told_apart(extractor: fp.Extractor) -> None:
    folders = sorted(path for path in IMAGES.iterdir() if path.is_dir())
    rows = [extractor.embed(sorted(folder.glob("*.png"))) for folder in folders]
    assert len(rows) == 4
    for own in rows:
        within = (own @ own.T)[np.triu_indices(len(own), 1)]
        apart = max((own @ other.T).mean() for other in rows if other is not own)
        # Differences of cosines before the constant, which makes them smaller.
        assert (1 + extractor.constant**2) * (within.mean() - apart) > LEAST_APART[extractor.name]


def test_the_file_is_small_and_its_threshold_calibrated(extractor: fp.Extractor) -> None:
    assert extractor.path is not None
    assert extractor.path.stat().st_size <= LARGEST[extractor.name]
    for treatment in TREATMENTS:
        condition = extractor.calibration.condition(1, 1, treatment=treatment)
        assert condition.threshold(0.1) < condition.threshold(0.01) < condition.threshold(0.001)


@pytest.mark.slow
@pytest.mark.skipif(not LOSSLESS.is_dir(), reason="the evaluation images are not beside the clone")
def test_it_beats_no_learning_on_real_generators(extractor: fp.Extractor) -> None:
    from trainer.evaluation import evaluate

    scores = evaluate(extractor, LOSSLESS)
    assert scores.identification.model.accuracy.value >= 0.67  # no learning: 0.57
    assert scores.verification.model.auc.value >= 0.85  # no learning: 0.80
