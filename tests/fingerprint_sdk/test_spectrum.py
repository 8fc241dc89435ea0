"""The NumPy reference against SciPy, against plain loops, and on signals known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from fingerprint_sdk.spectrum import azimuthal_integration, dft_magnitude, dft_matrices


def test_magnitude_equals_scipys_fft_for_each_channel() -> None:
    residual = np.random.default_rng(0).standard_normal((2, 3, 94, 94))
    np.testing.assert_allclose(
        dft_magnitude(residual), np.abs(scipy.fft.fft2(residual)), atol=1e-9
    )


def test_a_wave_has_two_peaks() -> None:
    n, u, v = 32, 5, 3
    y, x = np.mgrid[0:n, 0:n]
    magnitude = dft_magnitude(np.cos(2 * np.pi * (u * y + v * x) / n))
    expected = np.zeros((n, n))
    expected[u, v] = expected[-u, -v] = n * n / 2
    np.testing.assert_allclose(magnitude, expected, atol=1e-9)


def test_magnitude_ignores_a_circular_shift() -> None:
    residual = np.random.default_rng(1).standard_normal((64, 64))
    shifted = np.roll(residual, (5, -9), axis=(0, 1))
    np.testing.assert_allclose(dft_magnitude(shifted), dft_magnitude(residual), atol=1e-9)


@given(st.integers(1, 130))
def test_the_matrices_are_the_dft(n: int) -> None:
    real, imaginary = dft_matrices(n)
    np.testing.assert_allclose(real + 1j * imaginary, scipy.fft.fft(np.eye(n)), atol=1e-11)
    half_real, half_imaginary = dft_matrices(n, half=True)
    np.testing.assert_array_equal(half_real, real[: n // 2 + 1])
    np.testing.assert_array_equal(half_imaginary, imaginary[: n // 2 + 1])


@pytest.mark.parametrize("n", [94, 128])
def test_two_matrix_products_give_the_half_spectrum(n: int) -> None:
    residual = np.random.default_rng(2).standard_normal((n, n))
    rows, columns = dft_matrices(n), dft_matrices(n, half=True)
    full = (rows[0] + 1j * rows[1]) @ residual @ (columns[0] + 1j * columns[1]).T
    np.testing.assert_allclose(np.abs(full), np.abs(scipy.fft.rfft2(residual)), atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 7, 32, 33])
def test_azimuthal_integration_equals_plain_loops(n: int) -> None:
    power = np.random.default_rng(3).random((n, n))
    rings: dict[int, list[float]] = {}
    for i in range(n):
        for j in range(n):
            u, v = (i if i <= n // 2 else i - n), (j if j <= n // 2 else j - n)
            rings.setdefault(round(math.hypot(u, v)), []).append(power[i, j])
    expected = [2 * math.pi * sum(rings[w]) / len(rings[w]) for w in range(n // 2 + 1)]
    np.testing.assert_allclose(azimuthal_integration(power), expected, rtol=1e-12)


def test_a_white_spectrum_integrates_to_the_full_circle() -> None:
    np.testing.assert_allclose(azimuthal_integration(np.ones((3, 64, 64))), 2 * np.pi)


def test_a_wave_is_found_at_its_radius_whatever_its_direction() -> None:
    n = 128
    y, x = np.mgrid[0:n, 0:n]
    for u, v in [(30, 0), (0, 30), (18, 24), (-18, 24)]:
        profile = azimuthal_integration(
            dft_magnitude(np.cos(2 * np.pi * (u * y + v * x) / n)) ** 2
        )
        assert np.argmax(profile) == 30


def test_azimuthal_integration_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        azimuthal_integration(np.ones((3, 4)))
