"""The wider family and its descent, as they were when the shipped model's pools were made."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from support.paths import ROOT
from support.photographs import write_photographs

from trainer.images.photos import load_photos
from trainer.synthesis import SynthesisRecipe, architecture_from_id, named_architectures
from trainer.synthesis.descent import train_extended

pytestmark = pytest.mark.usefixtures("one_thread")

GOLDEN = json.loads((ROOT / "tests/golden/synthesis.json").read_text())


def test_the_architectures_of_the_pools_are_drawn_as_before() -> None:
    assert [asdict(a) for a in named_architectures("extended:12")] == GOLDEN["architectures"]


@pytest.mark.parametrize("steps", [0, 40])
def test_models_are_as_faithful_as_before(steps: int, tmp_path: Path) -> None:
    photos = load_photos(write_photographs(tmp_path / "photos", 6))
    for name, errors in GOLDEN["errors"].items():
        architecture = architecture_from_id(name)
        model = train_extended(architecture, 1, photos, SynthesisRecipe(steps=steps))
        # Sums in another order, on another processor, change the fourth digit at most.
        assert model.reconstruction_error == pytest.approx(errors[str(steps)], rel=5e-3), name
