"""What people do to pictures: every kind of it is one, changes them, and is what it was."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from support.golden_treatments import golden_treatments
from support.paths import ROOT
from support.photographs import photograph

from fingerprint_sdk.images import quality
from fingerprint_sdk.images.treatment import TREATMENTS as NAMES
from trainer.images.treatments import TREATMENTS, Kind
from trainer.images.treatments.codecs import _half_chroma

GOLDEN = json.loads((ROOT / "tests/golden/treatments.json").read_text())

KINDS = [
    pytest.param(kind, id=name) for kinds in TREATMENTS.values() for name, kind in kinds.items()
]
CHANGING = [kind for kind in KINDS if kind.id != "as is"]


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.asarray(photograph(7, 150, 140))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_maps_a_picture_to_a_picture(kind: Kind, picture: np.ndarray) -> None:
    before = picture.copy()
    for seed in range(4):
        found = kind(picture, np.random.default_rng(seed))
        assert found.dtype == np.uint8
        assert found.ndim == 3
        assert found.shape[2] == 3
        assert min(found.shape) > 0
        again = kind(picture, np.random.default_rng(seed))
        np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("kind", CHANGING)
def test_a_kind_changes_the_picture_and_not_always_alike(kind: Kind, picture: np.ndarray) -> None:
    """An automatic contrast may find nothing to do; nearly all else is seen."""
    found = [kind(picture, np.random.default_rng(seed)) for seed in range(8)]
    changed = [
        one.shape != picture.shape or np.abs(one.astype(float) - picture).mean() > 0.1
        for one in found
    ]
    assert np.mean(changed) >= 0.75
    # Half the colours is of no strength.
    assert len({(one.shape, one.tobytes()) for one in found}) >= 2 or kind is _half_chroma


def test_they_are_the_treatments_of_the_sdk_each_named_once() -> None:
    assert tuple(TREATMENTS) == NAMES
    names = [name for kinds in TREATMENTS.values() for name in kinds]
    assert len(names) == len(set(names)) > 45


@pytest.mark.parametrize("name", TREATMENTS["grey"])
def test_what_is_called_grey_is_grey_to_the_sdk(name: str, picture: np.ndarray) -> None:
    for seed in range(4):
        assert quality.is_grey(TREATMENTS["grey"][name](picture, np.random.default_rng(seed)))


@pytest.mark.parametrize(
    "name", [*TREATMENTS["lossy"], *TREATMENTS["other"], *TREATMENTS["coarse"]]
)
def test_nothing_else_is_grey(name: str, picture: np.ndarray) -> None:
    kinds = TREATMENTS["lossy"] | TREATMENTS["other"] | TREATMENTS["coarse"]
    grey = [
        quality.is_grey(kinds[name](picture, np.random.default_rng(seed))) for seed in range(4)
    ]
    assert not all(grey)


def test_pillow_brings_the_codecs() -> None:
    Image.init()
    assert {"JPEG", "WEBP", "AVIF", "JPEG2000"} <= set(Image.SAVE)


def test_each_kind_does_what_it_did_when_the_shipped_model_was_calibrated() -> None:
    """`scripts/golden` renews the numbers, for a new model only."""
    found = golden_treatments()
    assert list(found) == list(GOLDEN)
    for name, draws in found.items():
        for now, then in zip(draws, GOLDEN[name], strict=True):
            assert now["size"] == then["size"], name
            for key in ("mean", "deviation", "step"):
                # Codecs of another version differ by less than a tenth of a grey level.
                np.testing.assert_allclose(now[key], then[key], atol=0.1, err_msg=name)
