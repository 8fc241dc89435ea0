"""Coefficient statistics and periods: against SciPy and NumPy, and on known patterns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from support.photographs import photograph
from support.signals import Centre, run_onnx

from trainer.denoiser import Student
from trainer.signal import (
    COLOURS,
    BlockDct,
    CoefficientStatistics,
    CompactSignal,
    LogSpectrum,
    Periods,
    log_magnitude,
)
from trainer.signal.relations import Relations

PAIRS = ((0, 1), (0, 2), (1, 2))


def colours_of(windows: np.ndarray) -> np.ndarray:
    """float64 (N, 3, n, n) in [0, 255] -> luma and opponent colours about 0."""
    return np.einsum("ij,njhw->nihw", COLOURS, windows - 127.5)


def as_tensor(colours: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(colours).float()


def coefficients_of(colours: np.ndarray) -> torch.Tensor:
    blocks = BlockDct()(as_tensor(colours))
    return CoefficientStatistics()(blocks, log_magnitude(blocks))


def relations_of(colours: np.ndarray) -> torch.Tensor:
    blocks = BlockDct()(as_tensor(colours))
    return Relations()(blocks, log_magnitude(blocks))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    pictures = [np.asarray(photograph(seed, 128, 128)) for seed in range(3)]
    return np.stack([picture.transpose(2, 0, 1) for picture in pictures])


def test_coefficient_statistics_equal_scipys_block_by_block(windows: np.ndarray) -> None:
    colours = colours_of(windows)
    found = coefficients_of(colours).numpy()
    assert found.shape == (3, 15, 8, 8)
    places = range(0, 128 - 8 + 1, 4)
    for window, picture in zip(found, colours, strict=True):
        for colour in range(3):
            blocks = np.stack(
                [
                    dctn(picture[colour, y : y + 8, x : x + 8], norm="ortho")
                    for y in places
                    for x in places
                ]
            )
            expected = [
                np.log(np.sqrt((blocks**2).mean(0) + 0.05)),
                np.log(np.abs(blocks).mean(0) + 0.05),
                np.log(np.abs(blocks) + 0.3).mean(0),
                ((1 + blocks**2 / 6) ** -8).mean(0),
                (1 / (1 + blocks**2 / 6)).mean(0),
            ]
            got = window[5 * colour : 5 * colour + 5]
            np.testing.assert_allclose(got, expected, atol=2e-3)


def test_a_crop_changes_the_statistics_less_than_another_photograph(windows: np.ndarray) -> None:
    wide = [np.asarray(photograph(seed, 136, 136)).transpose(2, 0, 1) for seed in range(3)]
    a, b = (
        coefficients_of(colours_of(np.stack(cut)))
        for cut in ([x[:, :128, :128] for x in wide], [x[:, 3:131, 6:134] for x in wide])
    )
    same = (a - b).abs().mean((1, 2, 3))
    other = (a - b.roll(1, 0)).abs().mean((1, 2, 3))
    assert (same < 0.7 * other).all()


def test_periods_equal_a_folded_high_pass(windows: np.ndarray) -> None:
    colours = colours_of(windows)
    found = Periods()(as_tensor(colours)).numpy()
    assert found.shape == (3, 6, 16, 9)
    around = np.pad(colours, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    neighbours = around[..., :-2, 1:-1] + around[..., 2:, 1:-1]
    neighbours = neighbours + around[..., 1:-1, :-2] + around[..., 1:-1, 2:]
    residual = colours - neighbours / 4
    both = np.concatenate([np.clip(residual, -8, 8), np.log(np.abs(residual) + 0.5)], axis=1)
    tile = np.zeros((3, 6, 16, 16))
    for y in range(0, 128, 16):
        for x in range(0, 128, 16):
            tile += both[..., y : y + 16, x : x + 16] / 64
    power = np.abs(np.fft.rfft2(tile - tile.mean((-2, -1), keepdims=True))) ** 2
    np.testing.assert_allclose(found, 0.5 * np.log(power + 1e-3), atol=2e-3)


def test_relations_equal_numpys_correlations(windows: np.ndarray) -> None:
    colours = colours_of(windows)
    found = relations_of(colours).numpy()
    assert found.shape == (3, 18, 8, 8)
    signed = BlockDct()(as_tensor(colours))[1].double().numpy().reshape(3, 8, 8, 31, 31)
    log = np.log(np.abs(signed) + 0.3)

    def correlation(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    def moved(x: np.ndarray, y: int, x_: int) -> float:
        z = (x - x.mean()) / x.std()
        return float((z[: 31 - y, : 31 - x_] * z[y:, x_:]).mean())

    for u, v in ((0, 1), (2, 3), (6, 5)):
        expected = []
        for x in (signed, log):
            expected += [correlation(x[a, u, v], x[b, u, v]) for a, b in PAIRS]
            expected += [moved(x[c, u, v], *step) for step in ((0, 1), (1, 0)) for c in range(3)]
        np.testing.assert_allclose(found[1, :, u, v], expected, atol=2e-3)


def test_relations_forget_how_strong_the_coefficients_are(windows: np.ndarray) -> None:
    colours = colours_of(windows)
    strong, weak = (relations_of(x)[:, :9] for x in (colours, colours / 2))
    torch.testing.assert_close(strong, weak, atol=0.02, rtol=0)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_faint_grid_stands_out_whatever_its_phase(period: int) -> None:
    rng = np.random.default_rng(period)
    noise = rng.normal(0, 4, (16, 3, 128, 128))
    shifted = [noise.copy(), noise.copy()]
    for start, picture in enumerate(shifted):
        picture[..., start::period] += 8
    plain, first, second = (Periods()(as_tensor(x)) for x in (noise, *shifted))
    harmonic = (0, 0, 16 // period)  # luma, along a row
    rise = [(x - plain)[:, *harmonic].mean().item() for x in (first, second)]
    assert min(rise) > 0.5
    assert abs(rise[0] - rise[1]) < 0.5 * max(rise)


def test_the_compact_signal_is_its_parts_side_by_side(windows: np.ndarray) -> None:
    torch.manual_seed(0)
    signal = CompactSignal(Student(4, 4)).eval()
    pixels = torch.from_numpy(windows)
    with torch.no_grad():
        found = signal(pixels)
        spectrum = signal.spectrum(pixels)
    assert isinstance(signal.spectrum, LogSpectrum)
    sizes = {name: int(np.prod(shape)) for name, shape in signal.parts.items()}
    assert found.shape == (3, sum(sizes.values())) == (3, *signal.shape)
    residual, image, coefficients, periods, relations = found.split(list(sizes.values()), dim=1)
    torch.testing.assert_close(residual, spectrum[:, :3].flatten(1))
    torch.testing.assert_close(image, spectrum[:, 3:].flatten(1))
    colours = colours_of(windows)
    expected = (coefficients_of(colours), Periods()(as_tensor(colours)), relations_of(colours))
    for part, alone in zip((coefficients, periods, relations), expected, strict=True):
        torch.testing.assert_close(part, alone.flatten(1), atol=1e-3, rtol=0)


def test_onnx_runtime_takes_the_same_compact_signal(
    windows: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    signal = CompactSignal(Centre(4)).eval()
    with torch.no_grad():
        ours = signal(torch.from_numpy(windows)).numpy()
    theirs = run_onnx(signal, windows, tmp_path_factory.mktemp("onnx") / "signal.onnx")
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
