"""Fréchet Frequency Distance and ellipsoid volume against SciPy and closed forms (Table II)."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the trainer extra")

import scipy.linalg
from scipy.stats import chi2

from trainer.experiments.analysis import (
    ModelProfiles,
    ProfileRecipe,
    choose_models,
    frechet_distance,
    log_volume,
    measure_fidelity,
    sample_log_volume,
)
from trainer.synthesis import PoolEntry, draw_extended, paper288


def by_sqrtm(a: np.ndarray, b: np.ndarray) -> float:
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    means = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(means + np.trace(covariances[0] + covariances[1] - 2 * np.real(root)))


# Fréchet Frequency Distance


@pytest.mark.parametrize(("m", "k", "d"), [(40, 60, 5), (200, 30, 12), (25, 25, 20)])
def test_distance_equals_scipys_sqrtm(m: int, k: int, d: int) -> None:
    rng = np.random.default_rng(m)
    a = rng.standard_normal((m, d)) @ rng.standard_normal((d, d))
    b = 1 + rng.standard_normal((k, d)) * rng.uniform(0.2, 2, d)
    assert frechet_distance(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-8)


def test_distance_is_stable_for_fewer_models_than_frequencies() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((61, 61)))[0]
    a, b = rng.standard_normal((7, 4)), rng.standard_normal((9, 4)) + 1
    # Rotated into 61 dimensions, the distance is that of the 4 that vary.
    expected = by_sqrtm(a, b)
    assert frechet_distance(a @ basis[:4], b @ basis[:4]) == pytest.approx(expected, rel=1e-8)


def test_distance_of_a_set_to_itself_is_zero_and_a_shift_is_squared() -> None:
    rows = np.random.default_rng(0).standard_normal((12, 30))
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(rows, rows + 2) == pytest.approx(30 * 4)
    assert frechet_distance(rows, 3 * rows + 1) == pytest.approx(
        frechet_distance(3 * rows + 1, rows)
    )


def test_one_spectrum_is_no_distribution() -> None:
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(np.ones((1, 3)), np.ones((4, 3)))


# Volume


@pytest.mark.parametrize(
    ("axes", "volume"),
    [
        ([1.5], 2 * 1.5),
        ([3.0, 0.5], math.pi * 3 * 0.5),
        ([1.0, 2.0, 4.0], 4 / 3 * math.pi * 8),
        ([1.0, 2.0, 3.0, 4.0], math.pi**2 / 2 * 24),
    ],
)
def test_volume_is_that_of_the_ellipsoid(axes: list[float], volume: float) -> None:
    # The paper's formula is the ellipsoid whose half axes are sqrt(2 λ).
    eigenvalues = np.square(axes) / 2
    assert log_volume(eigenvalues) == pytest.approx(math.log(volume))


def test_volume_stays_finite_where_the_papers_product_underflows() -> None:
    assert np.prod(np.full(61, 1e-8)) == 0
    assert np.isfinite(log_volume(np.full(61, 1e-8)))
    assert log_volume(np.array([1.0, 0.0])) == -np.inf


@pytest.mark.parametrize("models", [8, 9, 12, 60])
def test_sample_volume_has_no_bias_however_few_the_models(models: int) -> None:
    rng, n, draws = np.random.default_rng(0), 7, 600
    mix = np.diag(rng.uniform(0.1, 3, n)) @ np.linalg.qr(rng.standard_normal((n, n)))[0]
    truth = log_volume(np.linalg.eigvalsh(mix.T @ mix))
    found = [sample_log_volume(rng.standard_normal((models, n)) @ mix) for _ in range(draws)]
    error = np.std(found) / draws**0.5
    assert abs(np.mean(found) - truth) < 4 * error
    if models < 15:  # and the plain estimate is far off
        plain = [
            log_volume(
                np.linalg.eigvalsh(np.cov(rng.standard_normal((models, n)) @ mix, rowvar=False))
            )
            for _ in range(draws)
        ]
        assert np.mean(plain) < truth - 10 * error


def test_the_correction_is_the_expected_log_of_chi_squares() -> None:
    rows = np.random.default_rng(0).standard_normal((10, 3))
    plain = log_volume(np.linalg.eigvalsh(np.cov(rows, rowvar=False)))
    expected = sum(chi2(10 - i).expect(math.log) - math.log(9) for i in (1, 2, 3)) / 2
    assert plain - sample_log_volume(rows) == pytest.approx(expected, abs=1e-6)


def test_as_many_models_as_dimensions_are_too_few() -> None:
    with pytest.raises(ValueError, match="fewer dimensions"):
        sample_log_volume(np.ones((5, 5)))


# Families


def _profiles(seeds: int = 2) -> ModelProfiles:
    """All of the paper's architectures, where only upsampling moves the spectrum much."""
    rng = np.random.default_rng(0)
    architectures = [a for a in paper288(4) for _ in range(seeds)]
    level = {"bilinear": 0.0, "nearest": 3.0, "transposed": -3.0}
    rows = np.array([level[a.upsampling] for a in architectures])[:, None] * np.linspace(0, 1, 20)
    rows = rows + 0.3 * rng.standard_normal(rows.shape)
    numbers = tuple(range(seeds)) * 288
    return ModelProfiles(tuple(architectures), numbers, rows, np.zeros(20), len(rows))


def test_the_axis_that_matters_costs_fidelity_and_volume() -> None:
    found = _profiles()
    real = found.profiles[::7]
    result = measure_fidelity(found, real, dimensions=4)
    families = {f.name: f for f in result.families}
    sizes = {name: f.models for name, f in families.items()}
    assert sizes == {
        "all": 576,
        "w/o K (one block)": 288,
        "w/o L (one convolution)": 288,
        "w/o S (conv-norm-act)": 288,
        "w/o U (bilinear)": 192,
        "w/o A (no activation)": 144,
        "w/o N (no normalisation)": 192,
        "w/o seed (one each)": 288,
    }
    assert families["all"].distance == pytest.approx(frechet_distance(real, found.profiles))
    worst = families["w/o U (bilinear)"]
    assert worst.distance > 10 * worst.whole_distance
    assert worst.log_volume < worst.whole_log_volume - 1  # type: ignore[operator]
    for name, family in families.items():
        if name != worst.name:
            assert family.distance < 0.1 * worst.distance
            assert family.log_volume == pytest.approx(families["all"].log_volume, abs=0.5)
    assert result.dimensions == 4
    assert 0 < result.variance < 1
    assert result.real == len(real)


def test_the_wider_family_has_no_order_and_its_own_name_for_blocks() -> None:
    architectures = tuple(draw_extended(i) for i in range(120))
    rows = np.random.default_rng(0).standard_normal((120, 12))
    found = ModelProfiles(architectures, (0,) * 120, rows, np.zeros(12), 120)
    result = measure_fidelity(found, rows[:30])
    names = [f.name for f in result.families]
    assert "w/o K (one block)" in names
    assert not any(name.startswith(("w/o S", "w/o seed")) for name in names)
    kept = next(f for f in result.families if f.name.startswith("w/o K"))
    assert kept.models == sum(a.stages == 1 for a in architectures)
    assert result.dimensions <= min(f.models for f in result.families) // 3


# Which models are looked at


def _entries(architectures: int, seeds: int, residual: float = 0.01) -> list[PoolEntry]:
    return [
        PoolEntry(f"a{i}", s, residual, 0, 0.0, "")
        for i in range(architectures)
        for s in range(seeds)
    ]


def test_models_are_chosen_by_whole_architectures() -> None:
    chosen = choose_models(_entries(10, 4), ProfileRecipe(seeds=2, models=7))
    assert len(chosen) == 6
    assert [e.seed for e in chosen] == [0, 3] * 3  # as far apart as the pool has them
    everything = choose_models(_entries(10, 4), ProfileRecipe(seeds=None, models=None))
    assert everything == _entries(10, 4)


def test_unfaithful_models_are_left_out() -> None:
    entries = _entries(3, 2, 0.5) + _entries(2, 2)
    assert {e.reconstruction_error for e in choose_models(entries, ProfileRecipe())} == {0.01}
    with pytest.raises(ValueError, match=r"best has 0\.5"):
        choose_models(_entries(2, 2, 0.5), ProfileRecipe())
