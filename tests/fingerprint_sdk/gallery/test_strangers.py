"""What strangers score: thresholds of a gallery that are taken from its own entries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from support.calibrations import calibration, one_kind
from support.embeddings import unit

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Cohort, Explained
from fingerprint_sdk.gallery.background import Background, taken_off
from fingerprint_sdk.gallery.eligible import AS_ENROLLED, Suited
from fingerprint_sdk.gallery.entry import CopyMean, Entry, Provenance
from fingerprint_sdk.gallery.fingerprints import fingerprints_of
from fingerprint_sdk.gallery.measured import strangers
from fingerprint_sdk.gallery.search import rank
from fingerprint_sdk.gallery.strangers import MARGIN, Strangers, student_quantile

SIZE = 32


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
    told = [model.cohort.explain(one.fingerprint[None], 2)[0] for one in known.entries.values()]
    expected = raw - [taken_off(one) for one in told]
    assert sorted(order) == list(range(30))
    best = np.argsort(-expected, kind="stable")[:wanted]
    np.testing.assert_array_equal(order[:wanted], best)
    np.testing.assert_allclose(left[best], expected[best], atol=1e-6)
    assert (left >= expected - 1e-6).all()


@given(seed=st.integers(0, 10_000), base=st.floats(-0.5, 0.3))
@settings(max_examples=20, deadline=None)
def test_the_two_best_are_those_of_all(seed: int, base: float) -> None:
    """Of 400 entries, though few are sorted, and one family may hold all the nearest."""
    rng = np.random.default_rng(seed)
    names = [f"m{i}" for i in range(400)]
    images = around(rng, 400, 1, 0.5)
    raw = rng.uniform(0.2, 0.6, 400)
    of_one = set(np.argsort(-raw)[: int(rng.integers(1, 200))].tolist())
    known = background(
        {
            name: replace(
                entry(rows), provenance=Provenance("one" if i in of_one else str(i % 99))
            )
            for i, (name, rows) in enumerate(zip(names, images, strict=True))
        }
    )
    model = calibration(cohort(rng, base))
    ranked = known.ranked(raw, (None,) * 400, model)
    found = known.two_best(raw, (None,) * 400, model)
    np.testing.assert_allclose(found, ranked.scores[ranked.order[:2]], atol=1e-6)


def test_one_entry_more_asks_hardly_anything_again() -> None:
    """It is asked in the place of one other at most, and what is known of the others is kept."""
    entries = {
        f"m{i}": entry(x) for i, x in enumerate(around(np.random.default_rng(0), 3001, 2, 2))
    }
    model = calibration(size=SIZE)
    before = background(dict(list(entries.items())[:3000]))
    strangers(before, None, AS_ENROLLED, 1, model)
    after = Background(entries, fingerprints_of(entries), before=before)
    found = strangers(after, None, AS_ENROLLED, 1, model)
    assert found == strangers(background(entries), None, AS_ENROLLED, 1, model)
    assert len(before.told) > 1000
    assert len(after.told) - len(before.told) < 100


@pytest.mark.parametrize("others", [0, 1])
def test_copies_that_have_no_strangers_tell_nothing(others: int) -> None:
    """One source under four names has copies, and of strangers one at most."""
    rng = np.random.default_rng(0)
    one = around(rng, 1, 4, 0.2)[0]
    jpeg = {"jpeg_85_4:2:0": one.mean(axis=0).astype(np.float32)}
    entries = {f"same{i}": entry(one, **jpeg) for i in range(4)}
    rest = around(rng, 12, 4, 0.2)
    for i, rows in enumerate(rest):
        mean = {"jpeg_85_4:2:0": rows.mean(axis=0).astype(np.float32)} if i < others else {}
        entries[f"m{i}"] = entry(rows, **mean)
    known, model = background(entries), calibration(size=SIZE)
    found = strangers(known, "jpeg 85 4:2:0", AS_ENROLLED, 1, model)
    assert np.isfinite([found.mean, found.threshold(0.01), found.measured]).all()
    probe = entries["same0"].copies["jpeg 85 4:2:0"].mean[None]
    told = rank(
        known, probe / np.linalg.norm(probe), model, quality=(), fpir=0.05, fnir=0.05,
        prior=0.5, top=3,
    )  # fmt: skip
    assert all(np.isfinite(one.likelihood_ratio) for one in told.candidates)


def test_of_entries_that_are_gone_nothing_is_kept() -> None:
    rng = np.random.default_rng(0)
    entries = {f"m{i}": entry(rows) for i, rows in enumerate(around(rng, 8, 2, 0.5))}
    before = background(entries)
    strangers(before, None, AS_ENROLLED, 1, calibration(size=SIZE))
    replaced = entries | {"m3": entry(around(rng, 1, 2, 0.5)[0])}
    after = Background(replaced, fingerprints_of(replaced), before=before)
    assert {one for one, _ in after.told} == {e for n, e in entries.items() if n != "m3"}


def test_an_entry_gives_a_quarter_of_what_is_usual_and_all_that_is_beyond() -> None:
    assert taken_off(Explained(0.8, 0.1, 0.08, 0.0, "grey", None)) == pytest.approx(0.025)
    assert taken_off(Explained(0.8, 0.3, 0.28, 0.2, "grey", "grey")) == pytest.approx(0.225)


def two_best(scores: np.ndarray) -> np.ndarray:
    """Of each row but for its own entry, (n, 2)."""
    np.fill_diagonal(scores, -9)
    return np.sort(scores, axis=1)[:, :-3:-1]


def test_strangers_are_the_entries_to_each_other() -> None:
    """Of entries of one image all probes are that image, and everything can be said by hand."""
    rng = np.random.default_rng(3)
    rows = around(rng, 5, 1, 0.5)
    model = calibration(cohort(rng, 0.1))
    known = background({f"m{i}": entry(own) for i, own in enumerate(rows)})
    found = strangers(known, None, AS_ENROLLED, 1, model)
    off = np.array([taken_off(model.cohort.explain(own)[0]) for own in rows])
    assert off.max() > 0
    best = two_best(rows[:, 0].astype(float) @ rows[:, 0].T - off)
    margins = best[:, 0] - MARGIN * best[:, 1]
    assert found.measured == pytest.approx(margins.mean(), abs=1e-6)
    assert found.between == pytest.approx(margins.var(ddof=1), abs=1e-6)
    assert (found.within, found.families) == (0, 5)
    # Nothing says how alike an entry's images are: up to a score of 1.
    assert (found.best, found.own) == (pytest.approx(best[:, 0].mean(), abs=1e-6), 1)
    assert strangers(known, None, AS_ENROLLED, 1, model) is found


@pytest.mark.parametrize("images", [1, 5])
def test_of_probes_like_copies_the_copies_are_the_strangers(images: int) -> None:
    """Their mean tells what single ones score, and means of several: as if all were at hand."""
    rng = np.random.default_rng(4)
    rows, copies = around(rng, 6, 9, 0.5), around(rng, 6, 2000, 0.7)
    entries = {
        f"m{i}": replace(entry(own), copies={"webp 80": CopyMean.of(np.asarray(copy, np.float32))})
        for i, (own, copy) in enumerate(zip(rows, copies, strict=True))
    }
    model = calibration(size=SIZE)
    like = Suited(frozenset({"webp 80"}), as_enrolled=False)
    found = strangers(background(entries), "webp 80", like, images, model)
    sets = unit(copies.reshape(6, 2000 // images, images, SIZE).mean(axis=2))
    centres = unit(copies.mean(axis=1))
    cosines = (sets @ centres.T).mean(axis=1)
    own = np.diagonal(cosines).copy()
    best = two_best(cosines)
    margins = best[:, 0] - MARGIN * best[:, 1]
    assert found.measured == pytest.approx(margins.mean(), abs=2e-3)
    assert found.between == pytest.approx(margins.var(ddof=1), abs=1e-3)
    assert found.best == pytest.approx(best[:, 0].mean(), abs=2e-3)
    assert found.own == pytest.approx(own.mean(), abs=5e-3)
    # How far the probes of an entry lie apart, only the images as enrolled tell.
    anything = Suited(frozenset({"webp 80"}), as_enrolled=True)
    plain = strangers(background(entries), None, anything, images, model)
    assert found.within == pytest.approx(plain.within)
    assert plain.within > 0


def test_of_copies_only_the_families_that_have_them_are_counted() -> None:
    """The others tell nothing of such probes, and so add nothing to what is known."""
    rng = np.random.default_rng(5)
    images = around(rng, 30, 8, 0.4)
    names = {f"m{i}": entry(rows) for i, rows in enumerate(images)}
    for i in range(4):
        copy = {"webp 80": CopyMean.of(np.asarray(images[i], np.float32))}
        names[f"m{i}"] = replace(names[f"m{i}"], copies=copy)
    found = strangers(background(names), "webp 80", AS_ENROLLED, 1, calibration(size=SIZE))
    assert found.families == 4


def test_too_few_entries_with_copies_tell_nothing() -> None:
    rng = np.random.default_rng(5)
    images = around(rng, 6, 8, 0.4)
    copy = {"webp 80": CopyMean.of(np.asarray(images[0], np.float32))}
    names = {f"m{i}": entry(rows) for i, rows in enumerate(images)}
    names |= {"m0": replace(names["m0"], copies=copy)}
    known = background(names)
    model = calibration(size=SIZE)
    found = strangers(known, "webp 80", AS_ENROLLED, 1, model)
    anything = Suited(frozenset({"webp 80"}), as_enrolled=True)
    assert found == replace(strangers(known, None, anything, 1, model), copies=True)


def test_twins_are_no_strangers_to_each_other() -> None:
    """One source under two names leaves what strangers score as it was."""
    rng = np.random.default_rng(6)
    images = around(rng, 8, 24, 0.4)
    names = {f"m{i}": entry(rows[:12]) for i, rows in enumerate(images)}
    model = calibration(size=SIZE)
    alone = strangers(background(names), None, AS_ENROLLED, 1, model)
    twice = strangers(
        background({**names, "again": entry(images[0, 12:])}), None, AS_ENROLLED, 1, model
    )
    assert twice.families == 9
    assert twice.measured == pytest.approx(alone.measured, abs=0.02)
    assert twice.between == pytest.approx(alone.between, rel=0.3)
    # Another source as near as that would count, since all its images know where they belong.
    near = unit(images[0].mean(0) + 0.5 * images[1].mean(0) + 0.05 * images[0, 12:])
    apart = strangers(background({**names, "near": entry(near)}), None, AS_ENROLLED, 1, model)
    assert apart.measured > alone.measured + 0.03


def test_families_that_are_known_are_strangers_however_alike() -> None:
    rng = np.random.default_rng(6)
    images = around(rng, 8, 24, 0.4)
    rows = {f"m{i}": one[:12] for i, one in enumerate(images)} | {"again": images[0, 12:]}
    names = {name: replace(entry(own), provenance=Provenance(name)) for name, own in rows.items()}
    model = calibration(size=SIZE)
    known = strangers(background(names), None, AS_ENROLLED, 1, model)
    half = names | {"again": replace(names["again"], provenance=None)}
    hidden = strangers(background(half), None, AS_ENROLLED, 1, model)
    assert known.measured > hidden.measured + 0.03


def test_of_a_gallery_of_twins_some_strangers_are_left() -> None:
    rng = np.random.default_rng(7)
    rows = around(rng, 1, 20, 0.4)[0]
    names = {f"m{i}": entry(rows[4 * i : 4 * i + 4]) for i in range(5)}
    found = strangers(background(names), None, AS_ENROLLED, 1, calibration(size=SIZE))
    assert np.isfinite([found.mean, found.between, found.within, found.gap]).all()


def test_a_stricter_rate_has_a_higher_threshold() -> None:
    found = Strangers(0.3, 0.0004, 0.0004, 0.6, 0.8, 8)
    thresholds = [found.threshold(fpir) for fpir in (0.001, 0.01, 0.05, 0.1)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] > found.mean
    # Where an enrolled one lies further off, strangers are presumed to lie further apart.
    assert replace(found, best=0.3).threshold(0.01) > thresholds[1]


def test_a_strangers_margin_is_students_with_mean_and_spread_blended_with_presumed_ones() -> None:
    """Of 49 families, 48 are as many as the presumed spread, and of two the mean is presumed."""
    found = Strangers(0.3, 0.0009, 0.0004, 0.6, 0.8, 49)
    mean = (2 * 0.46 * 0.8 + 49 * 0.3) / 51
    assert found.mean == pytest.approx(mean)
    assert found.gap == pytest.approx(0.8 - 0.5 * 0.6 - mean)
    between = ((0.24 * found.gap) ** 2 + 0.0009) / 2
    scale = np.sqrt(between * (1 + 1 / 51) + 0.0004)
    assert found.threshold(0.01) - mean == pytest.approx(student.ppf(0.99, 96) * scale, rel=1e-3)
    for most, over in ((0.7, 0.0), (0.7, 0.05), (0.6, 0.2)):
        density = student.pdf(over / scale, 96) / scale
        expected = 1 / (most - mean) / density
        assert found.likelihood_ratio(mean + over, most) == pytest.approx(expected)
        below = found.likelihood_ratio(0.2, most)
        assert below == pytest.approx(found.likelihood_ratio(mean, most))
        assert below < 1
    assert found.likelihood_ratio(found.reaches(1, 0.7), 0.7) == pytest.approx(1)


def test_an_enrolled_one_that_lies_below_strangers_presumes_no_spread() -> None:
    found = Strangers(0.5, 0.0009, 0.0004, 0.9, 0.5, 5)
    assert found.gap == 0
    assert found.threshold(0.01) > found.mean


def test_copies_that_hardly_keep_a_trace_presume_a_spread_nevertheless() -> None:
    """Of an enrolled one's score, 0.7, that lies 0.022 above strangers, 0.056 is presumed."""
    found = Strangers(0.34, 0.0002, 0.0003, 0.68, 0.7, 16)
    copied = replace(found, copies=True)
    assert found.gap == pytest.approx(0.022)
    between = (48 * (0.24 * 0.08 * 0.7) ** 2 + 15 * 0.0002) / 63
    scale = np.sqrt(between * (1 + 1 / 18) + 0.0003)
    expected = found.mean + student.ppf(0.99, 63) * scale
    assert copied.threshold(0.01) == pytest.approx(expected, rel=1e-3)
    assert copied.threshold(0.01) > found.threshold(0.01) + 0.005
    assert copied.likelihood_ratio(0.4, 0.6) < found.likelihood_ratio(0.4, 0.6)
    wide = replace(found, own=0.9)
    assert replace(wide, copies=True).threshold(0.01) == wide.threshold(0.01)


@given(
    mean=st.floats(0.1, 0.5),
    between=st.floats(0, 0.01),
    within=st.floats(0, 0.01),
    best=st.floats(0.1, 0.9),
    own=st.floats(0.1, 1),
    families=st.integers(4, 500),
    most=st.floats(0.5, 1.1),
    margins=st.lists(st.floats(-1, 1), min_size=2, max_size=2),
)
def test_more_likeness_is_never_less_evidence(
    mean: float,
    between: float,
    within: float,
    best: float,
    own: float,
    families: int,
    most: float,
    margins: list[float],
) -> None:
    found = Strangers(mean, between, within, best, own, families)
    low, high = (found.likelihood_ratio(margin, most) for margin in sorted(margins))
    assert 0 < low <= high < np.inf
    assert found.likelihood_ratio(found.reaches(2, most), most) >= 2


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


def test_a_nearer_entry_never_has_less_evidence() -> None:
    rng = np.random.default_rng(1)
    images = around(rng, 9, 6, 0.7)
    known = background({f"m{i}": entry(rows[:5]) for i, rows in enumerate(images[:8])})
    model = calibration(size=SIZE)
    for probe in (*images[:, 5], *around(rng, 40, 1, 0.4)[:, 0]):
        found = rank(known, probe[None], model, quality=(), fpir=0.01, fnir=0.05, prior=0.5, top=8)
        ratios = [one.likelihood_ratio for one in found.candidates]
        assert ratios == sorted(ratios, reverse=True)


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
        known.ranked(raw, (None,) * 300, model, wanted=wanted, usual=0.05, excess=0.3)
        for wanted in (1, 300)
    )
    np.testing.assert_allclose(few.highest, all_.highest, atol=1e-6)
    nearest, far = np.argsort(-raw)[:256], np.argsort(-raw)[256:]
    told = [model.cohort.explain(one.fingerprint[None])[0] for one in known.entries.values()]
    evidence = raw - 0.05 - [one.amount for one in told]
    np.testing.assert_allclose(all_.evidence, evidence, atol=1e-6)
    expected = evidence + [2 * min(0.3, one.excess) for one in told]
    np.testing.assert_allclose(few.highest[nearest], expected[nearest], atol=1e-6)
    np.testing.assert_array_equal(few.highest[far], raw[far] - 0.05)
