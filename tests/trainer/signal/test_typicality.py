"""How far a signal lies from typical ones, against SciPy's Mahalanobis distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from support.signals import run_onnx

from trainer.signal.typicality import Typicality, fit_typicality

pytestmark = pytest.mark.usefixtures("one_thread")

COMPONENTS = 6


def signals(count: int, seed: int) -> np.ndarray:
    """float32 (count, 20): some directions vary much, most little; not about 0."""
    rng = np.random.default_rng(seed)
    spread = np.geomspace(3, 0.05, 20)
    turn = np.linalg.qr(np.random.default_rng(9).standard_normal((20, 20)))[0]
    return (0.5 + (rng.standard_normal((count, 20)) * spread) @ turn).astype(np.float32)


@pytest.fixture(scope="module")
def held_out() -> np.ndarray:
    """200 images of three windows each."""
    return signals(600, 1).reshape(200, 3, 20)


@pytest.fixture(scope="module")
def fitted(held_out: np.ndarray) -> Typicality:
    return fit_typicality(signals(400, 0), held_out, COMPONENTS, 0.95, 1.2)


def measure(module: Typicality, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found = module(torch.from_numpy(rows))
    assert found.shape == (len(rows), 1)
    return found[:, 0].numpy()


def test_it_is_the_distance_within_the_first_components(fitted: Typicality) -> None:
    reference = signals(400, 0).astype(np.float64)
    covariance = np.cov(reference.T, bias=True)
    lengths, axes = np.linalg.eigh(covariance)
    axes = axes[:, np.argsort(lengths)[::-1][:COMPONENTS]]
    inverse = np.linalg.inv(axes.T @ covariance @ axes)
    others = signals(50, 2) * np.linspace(0.5, 4, 50, dtype=np.float32)[:, None]
    expected = [
        mahalanobis(row @ axes, reference.mean(0) @ axes, inverse) / np.sqrt(COMPONENTS)
        for row in others.astype(np.float64)
    ]
    # Its matrix has half precision, as it is stored.
    np.testing.assert_allclose(measure(fitted, others) * fitted.limit, expected, rtol=5e-3)
    assert torch.equal(fitted.components, fitted.components.half().float())


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("margin", [1.0, 1.5])
def test_the_limit_is_the_quantile_of_other_images_by_their_median_window(
    held_out: np.ndarray, quantile: float, margin: float
) -> None:
    module = fit_typicality(signals(400, 0), held_out, COMPONENTS, quantile, margin)
    each = measure(module, held_out.reshape(-1, 20)).reshape(200, 3)
    medians = np.sort(each, axis=1)[:, 1]
    assert np.quantile(medians * margin, quantile) == pytest.approx(1, rel=1e-4)
    assert np.mean(medians * margin <= 1) == pytest.approx(quantile, abs=0.01)


def test_what_differs_in_a_typical_direction_is_typical(fitted: Typicality) -> None:
    reference = signals(400, 0)
    mean = reference.mean(0)
    first, *_, last = np.linalg.svd(reference - mean)[2]
    rows = np.stack([mean, mean + 3 * first, mean + 30 * first, mean + 30 * last])
    centre, near, far, unseen = measure(fitted, rows.astype(np.float32))
    assert centre == pytest.approx(0, abs=5e-3)
    assert near < 1 < far
    assert unseen < 0.1  # the last component is none of those that are looked at


def test_onnx_runtime_agrees(fitted: Typicality, tmp_path: Path) -> None:
    rows = signals(7, 3) * 2
    found = run_onnx(fitted, rows, tmp_path / "typicality.onnx")
    np.testing.assert_allclose(found[:, 0], measure(fitted, rows), rtol=1e-4)
