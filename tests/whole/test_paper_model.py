"""`zoo/paper` is what `scripts/train-paper` and the code would make today."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial

import onnx
from support.paths import ROOT
from support.recipes import asked_by, assert_same

from fingerprint_sdk.evidence.cohort import Cohort
from fingerprint_sdk.images.jpeg import DETECTOR
from trainer.calibration import CalibrationRecipe, CohortRecipe
from trainer.denoiser import load_weights
from trainer.extractor import PaperRecipe, RenderRecipe
from trainer.images.treatments import TREATMENTS
from trainer.signal import PaperSpectrum
from trainer.synthesis import SynthesisRecipe

MODEL = ROOT / "zoo" / "paper"
SHIPPED = json.loads((MODEL / "run.json").read_text())
CONFIG = json.loads((MODEL / "config.json").read_text())
asked = partial(asked_by, "train-paper")
CALIBRATION = CalibrationRecipe(
    models=int(asked("models")[0]), cohort=CohortRecipe(settings=int(asked("settings")[0]))
)


def test_the_recipe_that_made_it_is_today_s() -> None:
    recipe = replace(
        PaperRecipe(),
        width=int(asked("width")[0]),
        models=int(asked("batch-models")[0]),
        learning_rate=float(asked("learning-rate")[0]),
        steps=int(asked("steps")[-1]),
    )
    assert SHIPPED["method"] == recipe.method
    assert_same(SHIPPED["recipe"], asdict(recipe), "recipe")
    assert_same(SHIPPED["rendering"], asdict(RenderRecipe()), "rendering")
    assert_same(SHIPPED["calibration"], asdict(CALIBRATION), "calibration")
    assert_same(SHIPPED["jpeg_detector"], asdict(DETECTOR), "jpeg_detector")


def test_its_pools_are_those_of_the_one_command() -> None:
    *steps, _ = asked("steps")
    assert len(steps) == len(SHIPPED["synthesis"])
    for count, (name, pool) in zip(steps, SHIPPED["synthesis"].items(), strict=True):
        now = asdict(SynthesisRecipe(steps=int(count))) | {"recipe_hash": pool["recipe_hash"]}
        assert_same(pool, now, f"synthesis.{name}")


def test_it_is_a_network_on_the_residuals_spectrum() -> None:
    model = onnx.load(MODEL / "model.onnx")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    network = PaperRecipe(width=SHIPPED["recipe"]["width"]).network(
        PaperSpectrum(load_weights("student")).parts
    )
    size = network.embedding
    assert metadata["embedding_size"] == str(size)
    # ResNet-50's 53 convolutions, and the denoiser's.
    assert sum(node.op_type == "Conv" for node in model.graph.node) > 53
    assert [output.name for output in model.graph.output] == ["embedding"]
    assert CONFIG["recipe_hash"] == SHIPPED["recipe_hash"]
    assert CONFIG["version"] == asked("version")[0]
    cohort = Cohort.from_json(metadata["cohort"], size + 1)
    more = dict(CALIBRATION.cohort.more)
    assert {kind.name: kind.count for kind in cohort.kinds} == {
        name: CALIBRATION.cohort.settings * more.get(name, 1)
        for kinds in TREATMENTS.values()
        for name in kinds
    }
