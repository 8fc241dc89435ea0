"""How far the residuals of two denoisers agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.photographs import write_photographs
from torch import Tensor, nn

from trainer.denoiser import (
    denoiser_agreement,
    residual_agreement,
)
from trainer.images.photos import load_photos

pytestmark = pytest.mark.usefixtures("one_thread")


def test_equal_residuals_agree_fully() -> None:
    residual = np.random.default_rng(0).standard_normal((3, 3, 20, 20))
    agreement = residual_agreement(residual, residual)
    assert agreement.correlation == pytest.approx(1)
    assert agreement.log_differences == (0.0,) * 10


def test_a_gain_is_a_constant_log_difference() -> None:
    residual = np.random.default_rng(0).standard_normal((2, 3, 21, 21))
    agreement = residual_agreement(residual, 2 * residual)
    assert agreement.correlation == pytest.approx(1)
    np.testing.assert_allclose(agreement.log_differences, np.log(4), rtol=1e-6)


def test_independent_noise_does_not_correlate() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4, 3, 64, 64))
    agreement = residual_agreement(a, b)
    assert abs(agreement.correlation) < 0.03
    assert agreement.mean_log_difference < 0.3  # both are white: only the rings' noise differs


def test_a_low_pass_shows_at_high_frequencies() -> None:
    a = np.random.default_rng(0).standard_normal((4, 3, 32, 32))
    spectrum = np.fft.fft2(a)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32)))
    b = np.fft.ifft2(np.where(frequency > 0.25, 0.1, 1) * spectrum).real
    differences = residual_agreement(a, b).log_differences
    np.testing.assert_allclose(differences[:7], 0, atol=1e-9)
    np.testing.assert_allclose(differences[9:], np.log(100), rtol=1e-6)


def test_flat_residuals_give_finite_figures() -> None:
    agreement = residual_agreement(np.zeros((1, 3, 8, 8)), np.ones((1, 3, 8, 8)))
    assert np.isfinite([agreement.correlation, *agreement.log_differences]).all()


@pytest.mark.parametrize("shapes", [((1, 3, 8, 8), (1, 3, 9, 9)), ((3, 8, 8),) * 2])
def test_residuals_of_other_shapes_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="alike"):
        residual_agreement(*(np.zeros(shape) for shape in shapes))


def test_two_denoisers_are_compared_on_the_same_pixels(tmp_path: Path) -> None:
    photos = load_photos(write_photographs(tmp_path, 12, grain=0.3))

    class Centre(nn.Module):
        def __init__(self, margin: int) -> None:
            super().__init__()
            self.margin = margin

        def forward(self, x: Tensor) -> Tensor:
            m, (h, w) = self.margin, x.shape[-2:]
            return x[..., m : h - m, m : w - m]

    for margins in [(6, 2), (2, 6), (3, 3)]:
        agreement = denoiser_agreement(*map(Centre, margins), photos, count=9, side=40)
        assert agreement.correlation == pytest.approx(1)
        assert len(agreement.log_differences) == (40 - 2 * max(margins)) // 2
        assert agreement.mean_log_difference == 0
    with pytest.raises(ValueError, match="margin of 20 px"):
        denoiser_agreement(Centre(20), Centre(2), photos, side=40)
