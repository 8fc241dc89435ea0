"""The analysis of fingerprints: every figure against an independent reference, on known inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the trainer extra")

import scipy.fft
import scipy.ndimage
import scipy.signal
import torch
from sklearn.metrics import confusion_matrix
from support.photographs import write_photographs
from torch import nn

from trainer.denoiser import load_weights
from trainer.experiments.analysis import (
    GeneratorRecipe,
    ImagePowers,
    KernelSpectra,
    compare_seeds,
    compose,
    effect,
    generator_effects,
    high,
    image_powers,
    kernel_spectra,
    log_profile,
    mirroring,
    plan,
    residual_power,
    swap_blocks,
    train_generator,
    uniqueness,
)
from trainer.experiments.analysis.blocks import _features, _train
from trainer.experiments.analysis.components import GeneratorProfiles
from trainer.images.photos import Photos, load_photos

TINY = GeneratorRecipe(side=16, width=2, latent=4, steps=2, batch=4)


class _Centre(nn.Module):
    """A residual that can be worked out by hand: the picture less one pixel on every side."""

    margin = 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 255.0 * images[..., 1:-1, 1:-1]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return load_photos(write_photographs(tmp_path_factory.mktemp("photos"), 3))


# Residual spectra (eq. 1)


def test_residual_power_equals_scipys_fft() -> None:
    images = np.random.default_rng(0).integers(0, 256, (11, 3, 18, 18), dtype=np.uint8)
    expected = np.abs(scipy.fft.fft2(images[..., 1:-1, 1:-1].astype(float))) ** 2
    np.testing.assert_allclose(
        residual_power(images, _Centre()), expected.mean(axis=1), rtol=1e-5, atol=0.01
    )


def test_the_denoisers_margin_shrinks_the_spectrum() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 40, 40), dtype=np.uint8)
    network = load_weights("student")
    n = 40 - 2 * network.margin
    assert residual_power(images, network).shape == (2, n, n)
    with pytest.raises(ValueError, match="leave nothing"):
        residual_power(images[..., :8, :8], network)


def test_profile_is_the_ring_mean_that_scipy_finds() -> None:
    n = 32
    y, x = np.mgrid[0:n, 0:n]
    image = 20 * np.cos(2 * np.pi * (6 * x + 8 * y) / n) + np.random.default_rng(1).normal(
        0, 1, (n, n)
    )
    power = np.abs(scipy.fft.fft2(image)) ** 2
    frequency = scipy.fft.fftfreq(n, 1 / n)
    radius = np.rint(np.hypot(frequency[:, None], frequency)).astype(int)
    means = scipy.ndimage.mean(power, labels=radius, index=np.arange(n // 2 + 1))
    found = log_profile(power)
    np.testing.assert_allclose(found, np.log10(2 * np.pi * means), rtol=1e-6)
    assert found[1:].argmax() + 1 == 10  # the wave (6, 8) is on the ring of radius 10


def test_high_is_the_mean_of_the_top_quarter() -> None:
    profiles = np.arange(20.0).reshape(2, 10)
    np.testing.assert_allclose(high(profiles), [8.5, 18.5])


# Averaged spectra (Fig. 2)


def _generator(name: str, pattern: np.ndarray, images: int = 6) -> ImagePowers:
    rng = np.random.default_rng(len(name))
    noise = rng.exponential(size=(images, *pattern.shape))
    return ImagePowers(name, pattern * noise, np.zeros((8, 8, 3), np.uint8))


def test_generators_with_patterns_of_their_own_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    patterns = np.exp(2 * rng.standard_normal((4, 16, 16)))
    found = uniqueness([_generator("g" * (i + 1), p) for i, p in enumerate(patterns)])
    assert found.matched == 1
    assert found.chance == 0.25
    assert found.own > 0.8 > 0.3 > found.other


def test_generators_without_a_pattern_are_not() -> None:
    flat = np.ones((16, 16))
    found = uniqueness([_generator("g" * (i + 1), flat) for i in range(8)], splits=40)
    assert abs(found.matched - found.chance) < 0.15
    assert abs(found.own - found.other) < 0.1


def test_two_generators_are_needed() -> None:
    with pytest.raises(ValueError, match="two of them"):
        uniqueness([_generator("a", np.ones((4, 4)))])


def test_image_powers_reads_every_generator(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_photographs(tmp_path / "one" / name, 3)
    write_photographs(tmp_path / "two" / "a", 1)
    seen: list[tuple[str, int, int]] = []
    found = image_powers(
        [tmp_path / "one", tmp_path / "two"],
        _Centre(),
        images=2,
        windows_per_image=2,
        progress=lambda *now: seen.append(now),
    )
    assert [(g.name, len(g.powers)) for g in found] == [("one/a", 2), ("b", 2), ("two/a", 1)]
    assert seen[-1] == ("images", 5, 5)
    assert found[0].powers.shape[1:] == (126, 126)
    # The same two files in two folders give the same spectra.
    np.testing.assert_array_equal(found[0].powers, found[1].powers)


# Components (Figs. 3 to 5)


def test_explained_variance_of_a_known_design() -> None:
    rng = np.random.default_rng(0)
    values = ["relu", "tanh", "none"] * 40
    shift = {"relu": 1.0, "tanh": -1.0, "none": 0.0}
    noise = rng.standard_normal((120, 30))
    profiles = np.array([shift[v] for v in values])[:, None] + noise
    found = effect("activation", values, profiles)
    assert list(found.mean) == ["none", "relu", "tanh"]
    assert found.models == {"none": 40, "relu": 40, "tanh": 40}
    assert found.explained == pytest.approx((2 / 3) / (2 / 3 + 1), abs=0.03)
    assert found.high["relu"] == pytest.approx(1, abs=0.2)
    assert effect("activation", values, noise).explained < 0.04


def test_the_plan_changes_one_layer_at_a_time() -> None:
    recipes = plan(TINY, 3)
    assert len(recipes) == len(set(recipes)) == 3 * (1 + 2 + 2 + 1)
    for recipe in recipes:
        changes = (recipe.upsampling, recipe.activation, recipe.normalisation)
        base = (TINY.upsampling, TINY.activation, TINY.normalisation)
        assert sum(a != b for a, b in zip(changes, base, strict=True)) <= 1


def test_distances_between_seeds_and_normalisations() -> None:
    recipes = plan(TINY, 2)
    level = {"batch": 0.0, "instance": 3.0}
    profiles = np.array([[level[r.normalisation] + r.seed] * 5 for r in recipes])
    found = GeneratorProfiles(tuple(recipes), profiles, np.zeros(5))
    seeds = compare_seeds(found, TINY)
    assert seeds is not None
    assert seeds.within == pytest.approx(1)  # batch 0 against 1, instance 3 against 4
    assert seeds.between == pytest.approx(3)  # 0 against 4, 1 against 3
    effects = generator_effects(found, TINY)
    assert [e.axis for e in effects] == ["upsampling", "activation", "normalisation"]
    assert [sum(e.models.values()) for e in effects] == [6, 6, 4]
    one = GeneratorProfiles(tuple(plan(TINY, 1)), profiles[:6], np.zeros(5))
    assert compare_seeds(one, TINY) is None


# Generators


def test_the_same_recipe_gives_the_same_generator(photos: Photos) -> None:
    before = torch.random.get_rng_state()
    first, again = train_generator(photos, TINY), train_generator(photos, TINY)
    assert torch.equal(torch.random.get_rng_state(), before)
    images = first.sample(3, seed=0)
    assert images.shape == (3, 3, 16, 16)
    np.testing.assert_array_equal(images, again.sample(3, seed=0))
    assert (images != first.sample(3, seed=1)).any()
    assert len(first.blocks) == TINY.blocks == 2


@pytest.mark.parametrize("changes", [{"upsampling": "cubic"}, {"side": 48}, {"activation": "x"}])
def test_unknown_layers_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        GeneratorRecipe(**changes)  # type: ignore[arg-type]


# Kernels (Fig. 6)


def test_a_convolutions_gain_on_white_noise_is_its_kernels_power() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular", bias=False)
    inputs = torch.randn(3000, 1, 32, 32)
    found = kernel_spectra("white", nn.Sequential(convolution), convolution, inputs)
    expected = []
    for kernel in convolution.weight[:, 0].detach().numpy():
        padded = np.zeros((32, 32))
        padded[:3, :3] = kernel
        expected.append(np.abs(scipy.fft.fft2(padded)))
    np.testing.assert_allclose(found.kernels, expected, atol=1e-6)
    # A Hann window blurs a spectrum by a bin, and the noise is a sample.
    inner = (slice(None), slice(2, -1), slice(2, -1))
    error = np.abs(found.gains - np.square(expected))[inner]
    assert error.max() < 0.15 * np.square(expected).max()
    assert error.mean() < 0.03 * np.square(expected).max()


def test_a_feature_maps_power_equals_scipys_convolution() -> None:
    torch.manual_seed(1)
    convolution = nn.Conv2d(2, 1, 3, padding=1, bias=False)
    inputs = torch.randn(1, 2, 12, 12)
    found = kernel_spectra("map", nn.Sequential(convolution), convolution, inputs)
    # torch correlates, so the kernel is turned; "same" pads with zeros as torch does.
    kernels = convolution.weight[0].detach().numpy()[:, ::-1, ::-1]
    parts = [
        scipy.signal.convolve2d(inputs[0, i].numpy(), kernels[i], mode="same") for i in range(2)
    ]
    total = np.sum(parts, axis=0)
    hann = scipy.signal.get_window("hann", 12)
    window = np.outer(hann, hann) / np.mean(hann**2)
    expected = np.abs(scipy.fft.fft2((total - total.mean()) * window)) ** 2
    np.testing.assert_allclose(found.maps[0], expected, rtol=1e-4, atol=1e-6)


def test_mirroring_is_pearsons_correlation() -> None:
    rng = np.random.default_rng(0)
    models = [KernelSpectra(str(i), *np.exp(rng.standard_normal((3, 2, 4, 4)))) for i in range(2)]
    found = mirroring(models, gain=False)

    def pearson(a: int, b: int, channel: int) -> float:
        logs = [np.log(models[a].kernels[channel]), np.log(models[b].maps[channel])]
        return float(np.corrcoef([log.ravel()[1:] for log in logs])[0, 1])

    expected = [[pearson(m, m, c) for c in range(2)] for m in range(2)]
    np.testing.assert_allclose(found.own, expected, atol=1e-5)
    crossed = [[pearson(0, 1, c) for c in range(2)], [pearson(1, 0, c) for c in range(2)]]
    np.testing.assert_allclose(found.other, crossed, atol=1e-5)


# Blocks (Fig. 7)


def test_composed_generators_hold_each_others_layers(photos: Photos) -> None:
    first, second = (
        train_generator(photos, GeneratorRecipe(side=16, width=2, latent=4, steps=1, seed=s))
        for s in (0, 1)
    )
    same = compose(first, second, 0)
    np.testing.assert_array_equal(same.sample(2, 0), first.sample(2, 0))
    mixed = compose(first, second, 1).state_dict()
    for name, value in mixed.items():
        giver = second if name.startswith(("blocks.1.", "to_rgb.")) else first
        assert torch.equal(value, giver.state_dict()[name]), name
    # All blocks and the latent layer of one model are that model.
    whole = compose(first, second, 2)
    whole.start = second.start
    np.testing.assert_array_equal(whole.sample(2, 0), second.sample(2, 0))


def test_confusion_equals_scikit_learns(photos: Photos) -> None:
    first, second = (
        train_generator(photos, GeneratorRecipe(side=32, width=2, latent=4, steps=2, seed=s))
        for s in (0, 1)
    )
    network = load_weights("student")
    swaps = swap_blocks(first, second, network, images=20)
    assert [s.swapped for s in swaps] == [0, 1, 2, 3]
    classifier = _train([_features(g, network, 20, seed=1) for g in (first, second)])
    for swap in swaps:
        pair = compose(first, second, swap.swapped), compose(second, first, swap.swapped)
        answers = [classifier.predict(_features(g, network, 20, seed=2)) for g in pair]
        truth = np.repeat([0, 1], 20)
        np.testing.assert_array_equal(
            swap.confusion, confusion_matrix(truth, np.concatenate(answers))
        )
    assert swaps[0].follows_last > 0.9  # two random networks are easily told apart
    assert swaps[-1].follows_last > 0.7  # and only the latent layer is left of the other


def test_other_architectures_cannot_be_swapped(photos: Photos) -> None:
    first = train_generator(photos, TINY)
    second = train_generator(photos, GeneratorRecipe(side=32, width=2, latent=4, steps=1, batch=4))
    with pytest.raises(ValueError, match="one architecture"):
        swap_blocks(first, second, load_weights("student"), images=10)
