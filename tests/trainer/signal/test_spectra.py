"""What the extractor sees: torch, the NumPy reference and ONNX Runtime agree, and on known waves.

The residual is taken away with `Centre`, which only crops, so that a wave in the pixels is the
same wave in the spectrum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.signals import Centre, run_onnx

from fingerprint_sdk.spectrum import dft_magnitude
from trainer.denoiser import DnCNN, Student, network_from_state
from trainer.signal import DftPower, LogSpectrum, PaperSpectrum

FLOOR = 1e-3  # LogSpectrum's: what it adds to the power before the logarithm


def wave(u: int, v: int, n: int, amplitude: float = 1.0) -> np.ndarray:
    """A cosine of `u` cycles down and `v` across, shape (n, n), around 0."""
    y, x = np.mgrid[0:n, 0:n]
    return amplitude * np.cos(2 * np.pi * (u * y + v * x) / n)


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    """Within `tolerance` of the largest expected number."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def reference_log_spectrum(residual: np.ndarray, windows: np.ndarray, pool: int) -> np.ndarray:
    """LogSpectrum by NumPy's FFT and plain loops: (N, 3, n, n) and the windows -> (N, 6, ...)."""
    margin = (windows.shape[-1] - residual.shape[-1]) // 2
    image = Centre(margin)(torch.from_numpy(windows / 255.0)).numpy() - 127.5
    seen = (opponent_colours(residual), opponent_colours(image))
    return np.concatenate([pooled_log_power(x, pool) for x in seen], axis=1)


def opponent_colours(x: np.ndarray) -> np.ndarray:
    red, green, blue = x.astype(np.float64).transpose(1, 0, 2, 3)
    return np.stack(
        [
            (red + green + blue) / 3**0.5,
            (red - blue) / 2**0.5,
            (red - 2 * green + blue) / 6**0.5,
        ],
        axis=1,
    )


def pooled_log_power(x: np.ndarray, pool: int) -> np.ndarray:
    n = x.shape[-1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    window = np.outer(hann, hann)
    power = dft_magnitude(x * window) ** 2 / (window**2).sum()  # all n columns, mirrored ones too
    rows, columns = n // pool, n // (2 * pool) + 1
    out = np.empty((*x.shape[:2], rows, columns))
    reach = range(-(pool // 2), pool - pool // 2)
    for i in range(rows):
        for j in range(columns):
            cells = [
                power[..., (i * pool + a) % n, (j * pool + b) % n] for a in reach for b in reach
            ]
            out[..., i, j] = np.mean(cells, axis=0)
    return np.log(out + FLOOR)


# the transform


@pytest.mark.parametrize("n", [1, 2, 31, 32, 94, 120])
def test_power_equals_the_numpy_reference(n: int) -> None:
    x = np.random.default_rng(n).standard_normal((2, 3, n, n)).astype(np.float32)
    expected = dft_magnitude(x)[..., : n // 2 + 1] ** 2
    assert_close(DftPower(n)(torch.from_numpy(x)).numpy(), expected)


@pytest.mark.parametrize("n", [94, 95, 120])
def test_onnx_runtime_takes_the_same_power(n: int, tmp_path: Path) -> None:
    x = np.random.default_rng(n).standard_normal((3, 3, n, n)).astype(np.float32)
    x[1] = wave(5, 3, n)
    found = run_onnx(DftPower(n), x, tmp_path / "power.onnx")
    assert_close(found, dft_magnitude(x)[..., : n // 2 + 1] ** 2)


@pytest.mark.parametrize(("u", "v"), [(0, 7), (7, 0), (5, 3), (100, 20), (60, 60), (0, 0)])
def test_a_cosine_lands_in_its_bin(u: int, v: int) -> None:
    n = 120
    x = torch.from_numpy(wave(u, v, n)).float()[None, None]
    power = DftPower(n)(x)[0, 0].numpy()
    assert np.unravel_index(power.argmax(), power.shape) == (u, v)
    rest = power.copy()
    rest[u, v] = rest[-u % n, -v % n if -v % n <= n // 2 else v] = 0
    assert rest.max() < 1e-6 * power.max()


# the compact model's signal


def test_the_log_spectrum_equals_fft_and_plain_loops() -> None:
    windows = np.random.default_rng(0).integers(0, 256, (2, 3, 128, 128), dtype=np.uint8)
    windows[1] = np.rint(128 + wave(16, 0, 128, 3))
    signal = LogSpectrum(Centre(4))
    assert signal.shape == (6, 40, 21)
    found = signal(torch.from_numpy(windows)).numpy()
    expected = reference_log_spectrum(windows[..., 4:124, 4:124], windows, 3)
    assert found.shape == (2, *signal.shape)
    # float32 leaves some 1e-6 of the strongest bin everywhere; the brightness of 128 is in it.
    power, right = np.exp(found), np.exp(expected)
    assert_close(power, right)
    assert_close(found[0], expected[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_onnx_runtime_takes_the_same_log_spectrum(seed: int, tmp_path: Path) -> None:
    torch.manual_seed(seed)
    signal = LogSpectrum(Student(4, 4)).eval()
    windows = np.random.default_rng(seed).integers(0, 256, (3, 3, 128, 128), dtype=np.uint8)
    with torch.no_grad():
        residual = signal.denoiser(torch.from_numpy(windows).float() / 255.0).numpy()
        ours = signal(torch.from_numpy(windows)).numpy()
    expected = reference_log_spectrum(residual, windows, 3)
    assert_close(ours, expected)
    assert_close(run_onnx(signal, windows, tmp_path / "signal.onnx"), expected)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_lands_in_the_middle_of_its_pooled_bin(period: int) -> None:
    """Upsampling by `period` leaves peaks at multiples of n / period, and they share no bin."""
    n, pool = 120, 3
    grid = np.zeros((128, 128))
    grid[::period, ::period] = 40.0
    windows = np.tile(grid, (1, 3, 1, 1)).astype(np.uint8)
    spectrum = LogSpectrum(Centre(4), pool=pool)(torch.from_numpy(windows))[0].numpy()
    bin_of = n // period // pool
    assert n % period == 0
    assert (n // period) % pool == 0
    peaks = {
        (i, j) for i in range(0, 40, bin_of) for j in range(0, 21, bin_of) if (i, j) != (0, 0)
    }
    others = [p for p in np.ndindex(40, 21) if p not in peaks | {(0, 0)}]
    for luma in (spectrum[0], spectrum[3]):  # of the residual, and of the image
        # Hann spreads a line over three frequencies, all of them within the bin of pool = 3.
        assert min(luma[p] for p in peaks) > 3
        assert max(luma[p] for p in others) < 0  # e^0: power of white noise of variance 1


def test_white_noise_of_unit_variance_has_unit_power() -> None:
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(128 + rng.standard_normal((64, 3, 128, 128))).float()
    power = LogSpectrum(Centre(4))(noise).exp().numpy() - FLOOR
    inner = power[..., 2:-1, 2:-1]  # without the bins that brightness leaks into
    assert inner.mean() == pytest.approx(1, abs=0.01)
    assert inner.mean(axis=(0, 2, 3)) == pytest.approx(1, abs=0.02)
    assert inner.mean(axis=(0, 1)) == pytest.approx(1, abs=0.35)  # flat over frequency


def test_the_colours_are_an_orthonormal_basis() -> None:
    colours = LogSpectrum(Centre(4)).colours.numpy()
    np.testing.assert_allclose(colours @ colours.T, np.eye(3), atol=1e-6)
    grey = torch.from_numpy(np.tile(128 + wave(15, 9, 128, 20), (1, 3, 1, 1))).float()
    spectrum = LogSpectrum(Centre(4))(grey)[0].numpy()
    for luma, *opponents in (spectrum[:3], spectrum[3:]):
        assert luma.max() > 5
        assert max(o.max() for o in opponents) == pytest.approx(np.log(FLOOR), abs=0.1)


def test_a_pool_that_fits_no_grid_is_refused() -> None:
    for pool in (7, 4):
        with pytest.raises(ValueError, match=rf"pool={pool} .* \(120\)"):
            LogSpectrum(Centre(4), pool=pool)


# the paper's signal


@pytest.mark.parametrize(("side", "margin"), [(128, 17), (129, 17), (31, 0), (32, 0), (3, 0)])
def test_the_papers_spectrum_is_the_resized_magnitude(side: int, margin: int) -> None:
    """94 frequencies, and 95: the half spectrum mirrors differently for even and odd sides."""
    rng = np.random.default_rng(side)
    windows = rng.integers(0, 256, (2, 3, side, side), dtype=np.uint8)
    n = side - 2 * margin
    signal = PaperSpectrum(Centre(margin), side)
    assert signal.shape == (3, side, side)
    cut = slice(margin, side - margin)
    magnitude = np.abs(np.fft.fft2(windows[..., cut, cut].astype(np.float64)))
    nearest = np.arange(side) * n // side
    expected = magnitude[..., nearest[:, None], nearest]
    assert_close(signal(torch.from_numpy(windows)).numpy(), expected)


def test_onnx_runtime_takes_the_papers_spectrum(tmp_path: Path) -> None:
    torch.manual_seed(0)
    signal = PaperSpectrum(Student(4, 4)).eval()
    windows = np.random.default_rng(0).integers(0, 256, (3, 3, 128, 128), dtype=np.uint8)
    with torch.no_grad():
        residual = signal.denoiser(torch.from_numpy(windows).float() / 255.0).numpy()
    nearest = np.arange(128) * 120 // 128
    expected = dft_magnitude(residual)[..., nearest[:, None], nearest]
    found = run_onnx(signal, windows, tmp_path / "paper.onnx")
    assert_close(found, expected)


# the residual


def test_a_denoiser_is_read_back_whatever_the_order_of_its_tensors() -> None:
    """safetensors gives tensors in an order that changes from run to run."""
    rng = np.random.default_rng(0)
    for network in (Student(3, 2), DnCNN(4, 5)):
        state = network.state_dict()
        for _ in range(10):
            names = rng.permutation(list(state))
            read = network_from_state({str(name): state[str(name)] for name in names})
            assert type(read) is type(network)
            assert read.margin == network.margin
            for name, value in read.state_dict().items():
                torch.testing.assert_close(value, state[name], rtol=0, atol=0)


def test_the_students_residual_ignores_brightness() -> None:
    torch.manual_seed(0)
    signal = LogSpectrum(Student()).eval()
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 120, (2, 3, 128, 128), dtype=np.uint8)
    shift = np.array([100, 40, 7], np.uint8)[:, None, None]  # also of one channel alone
    with torch.no_grad():
        a, b = (signal(torch.from_numpy(x)).numpy() for x in (dark, dark + shift))
        contrast = signal(torch.from_numpy(dark // 2)).numpy()
    np.testing.assert_allclose(a[:, :3], b[:, :3], atol=5e-3)
    assert np.abs(a - contrast)[:, :3].max() > 0.1  # it is not blind to everything
    # The image's own spectrum takes brightness at zero frequency, and nowhere else.
    np.testing.assert_allclose(a[:, 3:, 1:-1, 1:], b[:, 3:, 1:-1, 1:], atol=5e-3)
