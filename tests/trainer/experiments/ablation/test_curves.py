"""Intervals of error rates, and the line through them on log axes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from trainer.evaluation.metrics import fnmr_at_fmr
from trainer.experiments.ablation import (
    fit_power_law,
    fnmr_interval,
    weighted_fnmr,
)


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
