"""The cohort: settings of every kind of treatment, as a model sees them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.photographs import photograph
from support.tiny_model import synthetic_image

from fingerprint_sdk import Extractor
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, to_json
from trainer.calibration import CohortRecipe, cohort
from trainer.calibration.cohort import make_cohort
from trainer.images.photos import Photos
from trainer.images.treatments import TREATMENTS

RECIPE = CohortRecipe(
    settings=2,
    together=2,
    more=(("sepia", 3), ("text", 2)),
    side=150,
    nearest=3,
    others=4,
    base=0.5,
    processed=0.9,
    likeness_weight=0.8,
    contrast_weight=0.6,
)


@pytest.fixture(scope="module")
def photos() -> Photos:
    pictures = tuple(np.asarray(photograph(i, 320, 300)) for i in range(4))
    return Photos(pictures, tuple(map(str, range(4))), 150)


@pytest.fixture(scope="module")
def unprocessed(extractor: Extractor) -> dict[int, np.ndarray]:
    rows = extractor.embed([synthetic_image(source, i) for source in range(5) for i in range(4)])
    pairs = rows.reshape(5, 2, 2, -1).mean(axis=2)
    return {1: rows, 2: pairs / np.linalg.norm(pairs, axis=2, keepdims=True)}


@pytest.fixture(scope="module")
def made(extractor: Extractor, photos: Photos, unprocessed: dict[int, np.ndarray]) -> Cohort:
    return make_cohort(extractor.embed_windows, photos, unprocessed, RECIPE, 0.0)


def test_it_has_rows_of_every_kind(made: Cohort) -> None:
    assert made.kinds == tuple(
        CohortKind(name, treatment, {"sepia": 6, "text": 4}.get(name, 2))
        for treatment, kinds in TREATMENTS.items()
        for name in kinds
    )
    expected = sum(kind.count for kind in made.kinds)
    assert made.embeddings.shape == (expected, 16)
    np.testing.assert_allclose(np.linalg.norm(made.embeddings, axis=1), 1, atol=1e-6)
    assert len(np.unique(made.embeddings, axis=0)) > 0.9 * expected
    assert (made.nearest, made.others) == (3, 4)
    assert (made.likeness_weight, made.contrast_weight) == (0.8, 0.6)


def test_its_limits_are_quantiles_of_unprocessed_sides(
    made: Cohort, unprocessed: dict[int, np.ndarray]
) -> None:
    assert [one.images for one in made.usual] == [1, 2]
    for usual in made.usual:
        sides = unprocessed[usual.images].reshape(-1, 16)
        likeness = np.sort(made.likenesses(sides), axis=1)[:, ::-1]
        assert usual.base == pytest.approx(np.quantile(likeness[:, 0], 0.5), abs=1e-6)
        excess = np.maximum(likeness[:, 0] - usual.base, 0)
        amounts = 0.8 * excess + 0.6 * (likeness[:, 0] - likeness[:, 1:5].mean(axis=1))
        assert usual.amount == pytest.approx(np.quantile(amounts, 0.5), abs=1e-6)
        assert usual.processed == pytest.approx(np.quantile(amounts, 0.9), abs=1e-6)
        explained = made.explain(sides, usual.images)
        np.testing.assert_allclose([one.amount for one in explained], amounts, atol=1e-6)
        assert np.mean([one.treatment is None for one in explained]) == pytest.approx(0.9)


def test_the_sdk_reads_it_as_it_was_measured(
    made: Cohort, unprocessed: dict[int, np.ndarray]
) -> None:
    read = Cohort.from_json(to_json(made), 16)
    np.testing.assert_array_equal(read.embeddings, made.embeddings)
    assert read.explain(unprocessed[1]) == made.explain(unprocessed[1])


def test_each_kind_draws_by_itself(
    made: Cohort,
    extractor: Extractor,
    photos: Photos,
    unprocessed: dict[int, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rows of a kind are what they are without all the others; another seed's are not."""
    monkeypatch.setattr(cohort, "TREATMENTS", {"grey": TREATMENTS["grey"]})
    alone = make_cohort(extractor.embed_windows, photos, unprocessed, RECIPE, 0.0)
    greys = np.repeat([k.treatment == "grey" for k in made.kinds], [k.count for k in made.kinds])
    # Their windows are embedded beside others, so a rounding to eight bits may fall otherwise.
    np.testing.assert_allclose(alone.embeddings, made.embeddings[greys], atol=0.01)
    recipe = replace(RECIPE, seed=1)
    other = make_cohort(extractor.embed_windows, photos, unprocessed, recipe, 0.0)
    assert np.abs(other.embeddings - alone.embeddings).max() > 0.05


def test_what_there_is_more_of_is_a_kind() -> None:
    names = {name for kinds in TREATMENTS.values() for name in kinds}
    assert {name for name, _ in CohortRecipe().more} <= names


def test_it_is_of_the_models_constant(
    extractor: Extractor, photos: Photos, unprocessed: dict[int, np.ndarray]
) -> None:
    rows = unprocessed[1]
    extended = np.concatenate([rows, np.ones((len(rows), 1))], axis=1) / np.sqrt(2)
    alone = replace(RECIPE, together=1)
    found = make_cohort(extractor.embed_windows, photos, {1: extended}, alone, 1.0)
    assert found.embeddings.shape[1] == 17
    np.testing.assert_allclose(found.embeddings[:, -1], np.sqrt(0.5), atol=0.01)


def test_a_setting_is_what_its_photographs_share(
    extractor: Extractor, photos: Photos, unprocessed: dict[int, np.ndarray]
) -> None:
    """Of more photographs the mean is nearer to that of others through the same settings."""

    def made(together: int, first: int) -> np.ndarray:
        own = Photos(photos.images[first : first + 2], photos.names[first : first + 2], 150)
        recipe = replace(RECIPE, together=together, more=())
        found = make_cohort(extractor.embed_windows, own, unprocessed, recipe, 0.0)
        return found.embeddings

    def alike(together: int) -> float:
        return float((made(together, 0) * made(together, 2)).sum(axis=1).mean())

    assert alike(6) > alike(1) + 0.02
