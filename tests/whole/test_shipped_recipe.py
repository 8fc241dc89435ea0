"""The shipped model is the one that the code would make today: no constant has moved since.

`zoo/compact/run.json` was written by the command that made the file. A constant changed without a
new model fails here, by its name.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import onnx
import pytest
from support.paths import ROOT
from support.recipes import asked_by, assert_same, flat

from fingerprint_sdk.evidence.cohort import Cohort, CohortKind
from fingerprint_sdk.images.jpeg import DETECTOR
from fingerprint_sdk.images.treatment import TREATMENTS
from trainer.calibration import CalibrationRecipe
from trainer.denoiser import load_weights
from trainer.extractor import CompactRecipe, FeatureRecipe, RenderRecipe
from trainer.images.photos import MAX_SHRINK, MIN_SHRINK
from trainer.images.treatments import TREATMENTS as KINDS
from trainer.signal import CompactSignal
from trainer.synthesis import SynthesisRecipe

MODEL = ROOT / "zoo" / "compact"
SHIPPED = json.loads((MODEL / "run.json").read_text())
asked = partial(asked_by, "train-compact")


@pytest.mark.parametrize(
    ("part", "now"),
    [
        ("recipe", asdict(CompactRecipe())),
        ("rendering", asdict(RenderRecipe())),
        ("features", asdict(FeatureRecipe())),
        ("calibration", asdict(CalibrationRecipe(models=int(asked("models")[0])))),
        ("jpeg_detector", asdict(DETECTOR)),
        ("signal", CompactSignal(load_weights("student")).parts),
    ],
)
def test_the_recipe_that_made_the_model_is_today_s(part: str, now: Any) -> None:
    assert_same(SHIPPED[part], now, part)


def test_the_pools_are_those_of_the_one_command() -> None:
    made = [int(text) for text in asked("steps")]
    assert len(made) == len(SHIPPED["synthesis"]) == 2
    for steps, (name, pool) in zip(made, SHIPPED["synthesis"].items(), strict=True):
        now = asdict(SynthesisRecipe(steps=steps)) | {"recipe_hash": pool["recipe_hash"]}
        assert_same(pool, now, f"synthesis.{name}")
    assert SHIPPED["photographs"]["shrink"] == [MIN_SHRINK, MAX_SHRINK]


def test_it_is_the_recipe_of_the_file_beside_it() -> None:
    config = json.loads((MODEL / "config.json").read_text())
    assert SHIPPED["recipe_hash"] == config["recipe_hash"]
    assert config["version"] == asked("version")[0]
    model = onnx.load(MODEL / "model.onnx")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    recipe = SHIPPED["calibration"]
    assert float(metadata["constant"]) == recipe["constant"]
    calibration = json.loads(metadata["calibration"])
    assert calibration["default_fmr"] == recipe["default_fmr"]
    assert calibration["default_fnmr"] == recipe["default_fnmr"]
    assert [
        (c["treatment"], c["windows"], c["images_a"], c["images_b"])
        for c in calibration["conditions"]
    ] == [
        (treatment, windows, *sides)
        for treatment in TREATMENTS
        for windows in recipe["windows"]
        for sides in combinations_with_replacement(recipe["sides"], 2)
    ]
    for condition in calibration["conditions"]:
        assert {float(fmr) for fmr in condition["thresholds"]} == set(recipe["fmrs"])
        assert {float(fnmr) for fnmr in condition["misses"]} == set(recipe["fnmrs"])
    size = len(SHIPPED["recipe"]["heads"]) * SHIPPED["recipe"]["embedding"]
    assert metadata["embedding_size"] == str(size)
    cohort, made = Cohort.from_json(metadata["cohort"], size + 1), recipe["cohort"]
    assert cohort.kinds == tuple(
        CohortKind(name, treatment, made["settings"] * dict(made["more"]).get(name, 1))
        for treatment, kinds in KINDS.items()
        for name in kinds
    )
    for number in ("nearest", "others", "likeness_weight", "contrast_weight"):
        assert getattr(cohort, number) == made[number]
    assert [one.images for one in cohort.usual] == recipe["sides"]
    assert [output.name for output in model.graph.output] == ["embedding", "deviation"]


def test_nothing_of_the_machine_is_told_and_nothing_is_idle() -> None:
    assert "/" not in "".join(str(value) for value in flat(SHIPPED, "").values())
    stored = {tensor.name for tensor in onnx.load(MODEL / "model.onnx").graph.initializer}
    assert not {name for name in stored if "whitening" in name}
