"""What strangers score: thresholds of a gallery that are taken from its own entries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student
from support.calibrations import calibration, one_kind
from support.embeddings import unit

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Cohort
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.eligible import Suited
from fingerprint_sdk.gallery.entry import CopyMean, Entry
from fingerprint_sdk.gallery.fingerprints import fingerprints_of
from fingerprint_sdk.gallery.search import rank
from fingerprint_sdk.gallery.strangers import MARGIN, Strangers, student_quantile

SIZE = 32
AS_ENROLLED = Suited(frozenset(), as_enrolled=True)


def entry(rows: np.ndarray, **copies: np.ndarray) -> Entry:
    kept = {kind.replace("_", " "): CopyMean(mean, 3) for kind, mean in copies.items()}
    return Entry(rows, np.zeros(len(rows), bool), np.zeros(len(rows), np.int32), "", kept)


def background(rows: dict[str, Entry]) -> Background:
    return Background(rows, fingerprints_of(rows))


def around(rng: np.random.Generator, sources: int, images: int, spread: float) -> np.ndarray:
    """Images by sources in random directions of which no two are alike but by chance."""
    centres = rng.standard_normal((sources, 1, SIZE)) / np.sqrt(SIZE)
    noise = rng.standard_normal((sources, images, SIZE)) / np.sqrt(SIZE)
    return unit(centres + spread * noise)


def cohort(rng: np.random.Generator, base: float) -> Cohort:
    return one_kind(unit(rng.standard_normal((6, SIZE))), "grey", nearest=2, base=base)


@pytest.mark.parametrize("freedom", [5, 9, 20, 100])
@pytest.mark.parametrize("share", [0.8, 0.95, 0.99, 0.999])
def test_the_quantile_is_that_of_students_distribution(share: float, freedom: int) -> None:
    error = 1e-3 if share < 0.999 else 0.02
    assert student_quantile(share, freedom) == pytest.approx(
        student.ppf(share, freedom), rel=error
    )


@given(seed=st.integers(0, 10_000), wanted=st.integers(1, 12), base=st.floats(-0.5, 0.3))
@settings(max_examples=60, deadline=None)
def test_the_best_are_right_though_few_are_asked_what_explains_them(
    seed: int, wanted: int, base: float
) -> None:
    rng = np.random.default_rng(seed)
    known = background({f"m{i}": entry(rows) for i, rows in enumerate(around(rng, 30, 2, 0.5))})
    model = calibration(cohort(rng, base))
    raw = rng.uniform(0.2, 0.6, 30)
    ranked = known.ranked(raw, (None,) * 30, model, wanted=wanted)
    left, order = ranked.scores, ranked.order
    amounts = [
        model.cohort.explain(one.fingerprint[None], 2)[0].amount for one in known.entries.values()
    ]
    expected = raw - amounts
    assert sorted(order) == list(range(30))
    best = np.argsort(-expected, kind="stable")[:wanted]
    np.testing.assert_array_equal(order[:wanted], best)
    np.testing.assert_allclose(left[best], expected[best], atol=1e-6)
    assert (left >= expected - 1e-6).all()


def test_strangers_are_the_entries_to_each_other() -> None:
    """Of entries of one image all probes are that image, and everything can be said by hand."""
    rng = np.random.default_rng(3)
    rows = around(rng, 5, 1, 0.5)
    model = calibration(cohort(rng, 0.1))
    known = background({f"m{i}": entry(own) for i, own in enumerate(rows)})
    found = known.strangers(AS_ENROLLED, 1, model)
    amounts = np.array([model.cohort.explain(own)[0].amount for own in rows])
    assert amounts.max() > 0
    scores = rows[:, 0].astype(float) @ rows[:, 0].T - amounts[:, None] - amounts
    np.fill_diagonal(scores, -9)
    second, best = np.sort(scores, axis=1)[:, -2:].T
    margins = best - MARGIN * second
    assert found.mean == pytest.approx(margins.mean(), abs=1e-6)
    assert found.variance == pytest.approx(margins.var(ddof=1), abs=1e-6)
    assert (found.families, found.images) == (5, 1)
    assert known.strangers(AS_ENROLLED, 1, model) is found


def test_of_lossy_probes_the_copies_are_the_strangers() -> None:
    rng = np.random.default_rng(4)
    rows, webp = around(rng, 5, 2, 0.5), around(rng, 5, 1, 0.5)[:, 0]
    model = calibration(cohort(rng, 0.1))
    entries = {
        f"m{i}": entry(own, webp_80=0.9 * copy)
        for i, (own, copy) in enumerate(zip(rows, webp, strict=True))
    }
    found = background(entries).strangers(Suited(frozenset({"webp 80"}), False), 1, model)
    amounts = np.array([model.cohort.explain(copy[None], 3)[0].amount for copy in webp])
    assert amounts.max() > 0
    scores = webp.astype(float) @ webp.T - amounts[:, None] - amounts
    np.fill_diagonal(scores, -9)
    second, best = np.sort(scores, axis=1)[:, -2:].T
    assert found.mean == pytest.approx((best - MARGIN * second).mean(), abs=1e-6)
    assert found.images == 3


def test_twins_are_no_strangers_to_each_other() -> None:
    """One source under two names leaves what strangers score as it was."""
    rng = np.random.default_rng(6)
    images = around(rng, 8, 24, 0.4)
    names = {f"m{i}": entry(rows[:12]) for i, rows in enumerate(images)}
    model = calibration(size=SIZE)
    alone = background(names).strangers(AS_ENROLLED, 1, model)
    twice = background({**names, "again": entry(images[0, 12:])}).strangers(AS_ENROLLED, 1, model)
    assert twice.families == 9
    assert twice.mean == pytest.approx(alone.mean, abs=0.02)
    assert twice.variance == pytest.approx(alone.variance, rel=0.3)
    # Another source as near as that would count, since all its images know where they belong.
    near = unit(images[0].mean(0) + 0.5 * images[1].mean(0) + 0.05 * images[0, 12:])
    apart = background({**names, "near": entry(near)}).strangers(AS_ENROLLED, 1, model)
    assert apart.mean > alone.mean + 0.03


def test_of_a_gallery_of_twins_some_strangers_are_left() -> None:
    rng = np.random.default_rng(7)
    rows = around(rng, 1, 20, 0.4)[0]
    names = {f"m{i}": entry(rows[4 * i : 4 * i + 4]) for i in range(5)}
    found = background(names).strangers(AS_ENROLLED, 1, calibration(size=SIZE))
    assert np.isfinite([found.mean, found.variance]).all()


def test_a_stricter_rate_has_a_higher_threshold() -> None:
    condition = calibration().condition(1, 5)
    found = Strangers(0.3, 0.002, 8, 1)
    rates = (0.001, 0.01, 0.05, 0.1)
    thresholds = [found.threshold(fpir, condition, condition, condition) for fpir in rates]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] > found.mean
    # Fewer entries know less; of a spread as calibrated, nothing else changes.
    few, many = (Strangers(0.3, 0.00037, entries, 1) for entries in (4, 8))
    of_one = (0.01, condition, condition, condition)
    assert few.threshold(*of_one) > many.threshold(*of_one)
    # Probes of more images than the entries' own score higher, and so does what they must reach.
    more = calibration().condition(5, 5).threshold(0.1) - calibration().condition(1, 5).threshold(
        0.1
    )
    moved = found.threshold(0.01, calibration().condition(5, 5), condition, condition)
    assert moved - thresholds[1] == pytest.approx((1 - MARGIN) * more)


def test_the_spread_blended_in_is_that_of_unprocessed_images() -> None:
    """However far the kinds of a treatment lie apart; half of a gallery of seven is its own."""
    condition = calibration().condition(1, 5)
    wide = replace(condition, thresholds=tuple((f, 2 * s) for f, s in condition.thresholds))
    found = Strangers(0.3, 0.0, 7, 1)
    plain = found.threshold(0.01, condition, condition, condition)
    assert found.threshold(0.01, wide, wide, condition) == pytest.approx(plain)
    low, high = condition.fmr_range
    spread = (condition.threshold(low) - condition.threshold(high)) / (
        norm.ppf(1 - low) - norm.ppf(1 - high)
    )
    share = 0.7 * spread * np.sqrt(6 / 12 * (1 + 1 / 7))
    assert plain - 0.3 == pytest.approx(student.ppf(0.99, 12) * share, rel=1e-3)


@pytest.mark.parametrize(("fpir", "most"), [(0.01, 0.02), (0.05, 0.1)])
def test_strangers_are_named_as_seldom_as_asked(fpir: float, most: float) -> None:
    """Many small galleries, each asked by sources it does not know and by those it does."""
    model: Calibration = calibration(size=SIZE)
    named, right = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        images = around(rng, 48, 6, 0.4)
        known = background({f"m{i}": entry(rows[:5]) for i, rows in enumerate(images[:8])})
        for source, rows in enumerate(images):
            found = rank(
                known, rows[5:], model, quality=(), fpir=fpir, fnir=0.05, prior=0.5, top=2
            )
            assert found.known == (found.best is not None) == (found.verdict == "named")
            if source < 8:
                right.append(found.best == f"m{source}")
            else:
                named.append(found.known)
    assert np.mean(named) <= most
    assert np.mean(right) > 0.95


def test_a_known_source_is_never_none_of_these_above_the_threshold() -> None:
    """ "None" is said below what enrolled ones miss, but never from where an entry is named."""
    rng = np.random.default_rng(0)
    images = around(rng, 8, 6, 0.4)
    known = background({f"m{i}": entry(rows[:5]) for i, rows in enumerate(images)})
    for probe in (*images[:, 5], *around(rng, 60, 1, 0.4)[:, 0]):
        found = rank(
            known,
            probe[None],
            calibration(size=SIZE),
            quality=(),
            fpir=0.01,
            fnir=0.05,
            prior=0.5,
            top=3,
        )
        verdict = {
            found.score >= found.threshold: "named",
            found.score < min(found.missed, found.threshold): "none",
        }.get(True, "inconclusive")
        if found.verdict != verdict:  # the evidence does not say so
            assert found.verdict == "inconclusive"
            against = verdict == "named"
            assert found.likelihood_ratio <= 1 if against else found.likelihood_ratio >= 1


def test_how_high_entries_may_have_scored_does_not_depend_on_what_is_wanted() -> None:
    """Of the nearest it is known, what processing explains of both sides counting once each."""
    rng = np.random.default_rng(8)
    known = background({f"m{i}": entry(rows) for i, rows in enumerate(around(rng, 300, 1, 0.5))})
    model = calibration(
        one_kind(unit(rng.standard_normal((6, SIZE))), "grey", base=-0.5, amount=0)
    )
    raw = rng.uniform(0.2, 0.6, 300)
    few, all_ = (
        known.ranked(raw, (None,) * 300, model, wanted=wanted, excess=0.3) for wanted in (1, 300)
    )
    np.testing.assert_allclose(few.highest, all_.highest, atol=1e-6)
    nearest, far = np.argsort(-raw)[:256], np.argsort(-raw)[256:]
    told = [model.cohort.explain(one.fingerprint[None])[0] for one in known.entries.values()]
    expected = np.array(
        [r - t.amount + 2 * min(0.3, t.excess) for r, t in zip(raw, told, strict=True)]
    )
    np.testing.assert_allclose(few.highest[nearest], expected[nearest], atol=1e-6)
    np.testing.assert_array_equal(few.highest[far], raw[far])
