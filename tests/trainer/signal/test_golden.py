"""Each part of the compact signal of some pictures, as it was when the shipped model was made.

The other tests hold the signal against references of their own, with the same constants; this one
fails when a constant moves away from the model that was trained with it. `scripts/golden` renews
the numbers, for a new model only.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.golden_signal import PICTURES, VALUES, golden_signals
from support.paths import ROOT

GOLDEN = json.loads((ROOT / "tests/golden/signal.json").read_text())


@pytest.fixture(scope="module")
def signals() -> dict[str, dict[str, np.ndarray]]:
    return golden_signals()


@pytest.mark.parametrize("part", ["residual", "image", "coefficients", "periods", "relations"])
@pytest.mark.parametrize("picture", PICTURES)
def test_a_part_of_the_signal_is_what_the_shipped_model_was_trained_on(
    picture: str, part: str, signals: dict[str, dict[str, np.ndarray]]
) -> None:
    known, found = GOLDEN[picture][part], signals[picture][part]
    assert found.size == known["size"]
    values = found[:: found.size // VALUES]
    np.testing.assert_allclose(values, known["values"], rtol=0, atol=1e-3)
    assert float(np.mean(found)) == pytest.approx(known["mean"], abs=2e-4)
