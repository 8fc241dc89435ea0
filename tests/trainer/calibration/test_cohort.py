"""The cohort: photographs of every kind of treatment, as a model sees them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.photographs import photograph
from support.tiny_model import synthetic_image

from fingerprint_sdk import Extractor
from fingerprint_sdk.evidence.cohort import Cohort, to_json
from trainer.calibration import CohortRecipe, cohort
from trainer.calibration.cohort import make_cohort
from trainer.images.photos import Photos
from trainer.images.treatments import TREATMENTS

RECIPE = CohortRecipe(
    photographs=2,
    more=(("sepia", 3), ("text", 2)),
    side=150,
    nearest=3,
    base=0.5,
    processed=0.9,
    weight=0.8,
)


@pytest.fixture(scope="module")
def photos() -> Photos:
    pictures = tuple(np.asarray(photograph(i, 320, 300)) for i in range(4))
    return Photos(pictures, tuple(map(str, range(4))), 150)


@pytest.fixture(scope="module")
def unprocessed(extractor: Extractor) -> np.ndarray:
    return extractor.embed([synthetic_image(source, i) for source in range(5) for i in range(4)])


@pytest.fixture(scope="module")
def made(extractor: Extractor, photos: Photos, unprocessed: np.ndarray) -> Cohort:
    return make_cohort(extractor.embed_windows, photos, unprocessed, RECIPE, 0.0)


def test_it_has_rows_of_every_kind(made: Cohort) -> None:
    expected = [
        treatment
        for treatment, kinds in TREATMENTS.items()
        for name in kinds
        for _ in range({"sepia": 6, "text": 4}.get(name, 2))
    ]
    assert list(made.treatments) == expected
    assert made.embeddings.shape == (len(expected), 16)
    np.testing.assert_allclose(np.linalg.norm(made.embeddings, axis=1), 1, atol=1e-6)
    assert len(np.unique(made.embeddings, axis=0)) > 0.9 * len(expected)
    assert (made.nearest, made.weight) == (3, 0.8)


def test_its_limits_are_quantiles_of_unprocessed_images(
    made: Cohort, unprocessed: np.ndarray
) -> None:
    """By a plain search of the nearest, image by image."""
    cosines = np.sort(unprocessed.astype(np.float64) @ made.embeddings.T, axis=1)
    likeness = cosines[:, -RECIPE.nearest :].mean(axis=1)
    assert made.base == pytest.approx(np.quantile(likeness, 0.5), abs=1e-5)
    assert made.processed == pytest.approx(np.quantile(likeness, 0.9), abs=1e-5)
    explained = made.explain(unprocessed)
    assert np.mean([one.amount == 0 for one in explained]) == 0.5
    assert np.mean([one.treatment is None for one in explained]) == 0.9
    assert max(one.amount for one in explained) == pytest.approx(
        0.8 * (likeness.max() - np.median(likeness)), abs=1e-5
    )


def test_the_sdk_reads_it_as_it_was_measured(made: Cohort, unprocessed: np.ndarray) -> None:
    read = Cohort.from_json(to_json(made), 16)
    np.testing.assert_array_equal(read.embeddings, made.embeddings)
    assert read.explain(unprocessed) == made.explain(unprocessed)


def test_each_kind_draws_by_itself(
    made: Cohort,
    extractor: Extractor,
    photos: Photos,
    unprocessed: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rows of a kind are what they are without all the others; another seed's are not."""
    monkeypatch.setattr(cohort, "TREATMENTS", {"grey": TREATMENTS["grey"]})
    alone = make_cohort(extractor.embed_windows, photos, unprocessed, RECIPE, 0.0)
    greys = np.array(made.treatments) == "grey"
    # Their windows are embedded beside others, so a rounding to eight bits may fall otherwise.
    np.testing.assert_allclose(alone.embeddings, made.embeddings[greys], atol=0.01)
    recipe = replace(RECIPE, seed=1)
    other = make_cohort(extractor.embed_windows, photos, unprocessed, recipe, 0.0)
    assert np.abs(other.embeddings - alone.embeddings).max() > 0.05


def test_what_there_is_more_of_is_a_kind() -> None:
    names = {name for kinds in TREATMENTS.values() for name in kinds}
    assert {name for name, _ in CohortRecipe().more} <= names


def test_it_is_of_the_models_constant(
    extractor: Extractor, photos: Photos, unprocessed: np.ndarray
) -> None:
    extended = np.concatenate([unprocessed, np.ones((len(unprocessed), 1))], axis=1) / np.sqrt(2)
    found = make_cohort(extractor.embed_windows, photos, extended, RECIPE, 1.0)
    assert found.embeddings.shape[1] == 17
    np.testing.assert_allclose(found.embeddings[:, -1], np.sqrt(0.5), atol=0.01)
