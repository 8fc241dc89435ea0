"""Checking a gallery: what to expect of it, and what in it looks wrong."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image
from support.browser import chromium, needs_browser
from support.calibrations import calibration
from support.cli_runner import Cli
from support.embeddings import unit
from support.paths import ROOT
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.side import Side
from fingerprint_sdk.gallery.check import lookups
from fingerprint_sdk.gallery.check.duplicates import EQUAL, duplicates
from fingerprint_sdk.gallery.check.enrolled import enrolled_side
from fingerprint_sdk.gallery.check.more import Outlook, lead, outlooks
from fingerprint_sdk.gallery.check.page import page
from fingerprint_sdk.gallery.entry import Entry

SOURCES = (0, 2, 3, 5, 6)  # of the pretend generators those least alike, to the tiny model
Rows = dict[int, np.ndarray]


@pytest.fixture(scope="module")
def rows(extractor: fp.Extractor) -> Rows:
    """Embeddings of six images by each of seven pretend generators."""
    return {s: extractor.embed([synthetic_image(s, i) for i in range(6)]) for s in range(7)}


@pytest.fixture
def gallery(extractor: fp.Extractor, rows: Rows) -> fp.Gallery:
    gallery = fp.Gallery(extractor)
    for source in SOURCES:
        gallery.enroll(f"source{source}", rows[source][:5])
    return gallery


# ---- leave-one-out -----------------------------------------------------------------------


def test_each_image_is_looked_up_in_the_gallery_without_it(
    extractor: fp.Extractor, rows: Rows
) -> None:
    """Against galleries that really were enrolled without the image."""
    images = {f"source{s}": rows[s][:3] for s in (1, 2, 3, 4)}
    images["source2"] = np.concatenate([images["source2"], rows[1][3:5]])
    gallery = fp.Gallery(extractor)
    for name, own in images.items():
        gallery.enroll(name, own)
    nearest: dict[str, list[str]] = {}
    for name, own in images.items():
        for place in range(len(own)):
            without = fp.Gallery(extractor)
            for other, theirs in images.items():
                without.enroll(other, np.delete(own, place, 0) if other == name else theirs)
            found = without.search(own[place : place + 1], extractor.calibration)
            nearest.setdefault(name, []).append(found.nearest)
    checked = gallery.check()
    for entry in checked.entries:
        expected = np.mean([found == entry.name for found in nearest[entry.name]])
        assert entry.rates.first == pytest.approx(expected)
        assert entry.rates.looked_up == entry.images == len(images[entry.name])
    assert checked.rates.first is not None
    assert 0 < checked.rates.first < 1


def test_answers_are_those_of_a_search(gallery: fp.Gallery, extractor: fp.Extractor) -> None:
    known = gallery._known()
    explained = [extractor.calibration.cohort.explain(e.embeddings) for _, e in gallery.items()]
    found = list(lookups.lookups(known, explained, extractor.calibration, fpir=0.05, fnir=0.05))
    assert len(found) == 25
    for one in found:
        name = gallery.names[one.place]
        entry = gallery[name]
        rest = np.delete(entry.embeddings, one.image, 0)
        mean = rest.mean(0) / np.linalg.norm(rest.mean(0))
        if one.answer.nearest == name:
            expected = float(entry.embeddings[one.image] @ mean)  # nothing is explained here
            assert one.answer.score == pytest.approx(expected, abs=1e-5)
            assert one.answer.likelihood_ratio > 1
            assert one.margin == pytest.approx(expected - one.answer.threshold, abs=1e-5)
            assert (one.margin >= 0) == one.answer.known
        else:
            assert one.margin < 0
        assert one.answer.fpir == 0.05


def test_good_entries_come_first_and_nothing_looks_wrong(gallery: fp.Gallery) -> None:
    checked = gallery.check(fpir=0.1)
    assert checked.rates.first == 1
    assert checked.rates.misnamed == 0
    assert checked.findings == ()
    assert "Nothing looks wrong." in checked.summary
    named = [entry.rates.named for entry in checked.entries]
    assert checked.rates.named == pytest.approx(np.mean(named))
    strict = gallery.check(fpir=0.001)
    assert strict.rates.named is not None
    assert strict.rates.named <= checked.rates.named
    assert (checked.fpir, strict.fpir) == (0.1, 0.001)


def test_an_entry_of_one_image_is_not_measurable(gallery: fp.Gallery, rows: Rows) -> None:
    gallery.enroll("alone", rows[1][:1])
    checked = gallery.check()
    alone = checked.entries[-1]
    assert (alone.name, alone.rates.looked_up) == ("alone", 0)
    assert (alone.rates.first, alone.rates.named, alone.rates.misnamed) == (None,) * 3
    assert "Not measurable: 1 entry of one image." in checked.summary
    assert checked.rates.looked_up == 25
    assert checked.confusion.scores[-1][-1] is None


def test_of_entries_of_one_image_only_nothing_is_measured(
    extractor: fp.Extractor, rows: Rows
) -> None:
    gallery = fp.Gallery(extractor)
    with pytest.raises(fp.GalleryError, match="empty"):
        gallery.check()
    gallery.enroll("one", rows[0][:1])
    gallery.enroll("two", rows[3][:1])
    checked = gallery.check()
    assert checked.rates.first is None
    assert any("Nothing can be measured" in said for said in checked.summary)
    assert [entry.words for entry in checked.entries] == ["not measurable"] * 2
    assert json.loads(checked.to_json())["entries"][0]["outlook"] is None
    assert "not measurable" in page(checked, "two")
    with pytest.raises(fp.OperatingPointError):
        gallery.check(fpir=0.9)


def test_of_many_images_some_of_each_entry_are_looked_up(
    extractor: fp.Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    gallery = fp.Gallery(extractor)
    for name in range(60):
        centre = rng.standard_normal(16)
        gallery.enroll(f"m{name}", unit(centre + 0.05 * rng.standard_normal((7, 16))))
    whole = gallery.check()
    assert whole.rates.looked_up == 420
    monkeypatch.setattr(lookups, "MOST_LOOKUPS", 150)
    some = gallery.check()
    assert {entry.rates.looked_up for entry in some.entries} == {2}
    assert "120 of them" in some.summary[1]
    monkeypatch.setattr(lookups, "MOST_LOOKUPS", 20)
    few = gallery.check()
    assert few.rates.looked_up == 20
    assert len(few.confusion.names) == 40 < len(few.entries)


# ---- what looks wrong --------------------------------------------------------------------


def test_two_entries_of_one_source_are_twins(gallery: fp.Gallery, rows: Rows) -> None:
    gallery.remove("source3")
    gallery.enroll("first", rows[3][:3])
    gallery.enroll("second", rows[3][3:])
    checked = gallery.check()
    (found,) = checked.twins
    assert (found.a, found.b, found.verdict) == ("first", "second", "same")
    assert found.likelihood_ratio > 1
    assert max(found.taken) > 0
    assert "merge?" in found.words
    assert found.findings in found.words
    assert found.words in checked.findings
    # It is what a verification says, and which images are nearer to the other.
    mean = rows[3][3:].mean(0) / np.linalg.norm(rows[3][3:].mean(0))
    others = [np.delete(rows[3][:3], i, 0).mean(0) for i in range(3)]
    nearer = [x @ mean > x @ o / np.linalg.norm(o) for x, o in zip(rows[3], others, strict=False)]
    assert found.taken[0] == pytest.approx(np.mean(nearer))
    verified = gallery.extractor.verify(rows[3][:3], rows[3][3:], fmr=0.002)
    assert (found.score, found.likelihood_ratio) == pytest.approx(
        (verified.score, verified.likelihood_ratio), abs=1e-5
    )


def test_entries_taken_for_each_other_are_twins_though_not_the_same(
    extractor: fp.Extractor,
) -> None:
    """Two clouds that overlap, on either side of a line, each wider than they are apart."""
    rng = np.random.default_rng(1)
    one, other = np.eye(16)[0], np.eye(16)[0] + 0.3 * np.eye(16)[1]
    gallery = fp.Gallery(extractor)
    gallery.enroll("left", unit(one + 0.6 * rng.standard_normal((8, 16))))
    gallery.enroll("right", unit(other + 0.6 * rng.standard_normal((8, 16))))
    gallery.enroll("far", unit(-one + 0.2 * rng.standard_normal((8, 16))))
    (found,) = gallery.check().twins
    assert {found.a, found.b} == {"left", "right"}
    assert found.verdict != "same"
    assert min(found.taken) >= 0.25
    assert "of the images of left are nearer to right" in found.words


def test_siblings_that_can_be_told_apart_are_no_twins(extractor: fp.Extractor) -> None:
    """Alike enough for a verification to say "same", and yet each image is nearer to its own."""
    rng = np.random.default_rng(2)
    first = np.eye(16)[0]
    gallery = fp.Gallery(extractor)
    gallery.enroll("one", unit(first + 0.02 * rng.standard_normal((5, 16))))
    gallery.enroll(
        "sibling", unit(first + 0.2 * np.eye(16)[1] + 0.02 * rng.standard_normal((5, 16)))
    )
    gallery.enroll("other", unit(-first + 0.02 * rng.standard_normal((5, 16))))
    rows = (gallery["one"].embeddings, gallery["sibling"].embeddings)
    assert extractor.verify(*rows, fmr=0.005).same
    assert gallery.check().twins == ()


def test_of_three_of_one_source_each_is_told_once_or_twice(
    gallery: fp.Gallery, rows: Rows
) -> None:
    gallery.remove("source3")
    for part in range(3):
        gallery.enroll(f"part{part}", rows[3][2 * part : 2 * part + 2])
    found = gallery.check().twins
    assert len(found) == 2
    assert {name for one in found for name in (one.a, one.b)} == {"part0", "part1", "part2"}
    assert found[0].score >= found[1].score


def test_an_image_in_the_wrong_entry_is_named(gallery: fp.Gallery, rows: Rows) -> None:
    gallery.enroll("source3", rows[0][5])
    checked = gallery.check()
    (found,) = checked.mislabelled
    assert (found.entry, found.image, found.nearest) == ("source3", 6, "source0")
    assert found.likelihood_ratio > 1 > found.own_likelihood_ratio
    assert "image 6 of source3" in found.words
    # One by a source that is not in the gallery speaks for nobody else.
    gallery.remove("source3")
    gallery.enroll("source3", rows[3][:5])
    gallery.remove("source5")
    gallery.enroll("source3", rows[5][5])
    assert gallery.check().mislabelled == ()


def test_a_picture_enrolled_twice_is_named(
    gallery: fp.Gallery, extractor: fp.Extractor, tmp_path: Path
) -> None:
    pixels = synthetic_image(3, 9)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "b.webp", lossless=True)
    gallery.enroll("source3", tmp_path / "a.png", copies=False)
    gallery.enroll("source3", tmp_path / "b.webp", copies=False)
    (found,) = gallery.check().duplicated
    assert found.images == (("source3", 6), ("source3", 7))
    assert "enroll it once" in found.words
    gallery.enroll("source6", pixels, copies=False)
    (found,) = gallery.check().duplicated
    assert found.images == (("source3", 6), ("source3", 7), ("source6", 6))
    assert found.entries == ("source3", "source6")
    assert "one maker only" in found.words


def test_duplicates_are_those_of_comparing_all() -> None:
    rng = np.random.default_rng(5)
    base = unit(rng.standard_normal((3_000, 8)) * [4, 2, 1, 1, 1, 1, 1, 1])
    again = unit(base[rng.integers(0, 3_000, 400)] + 1e-4 * rng.standard_normal((400, 8)))
    images = np.concatenate([base, again])[rng.permutation(3_400)]
    entries = {
        f"m{i}": Entry(part, np.zeros(len(part), bool), np.zeros(len(part), np.int32))
        for i, part in enumerate(np.split(images, 34))
    }
    found = duplicates(entries)
    groups = {
        frozenset(100 * int(name[1:]) + number - 1 for name, number in one.images) for one in found
    }
    equal = images @ images.T > EQUAL
    expected = {frozenset(np.flatnonzero(row)) for row in equal}
    while True:  # those of those, until nothing is added
        larger = {frozenset().union(*(o for o in expected if o & one)) for one in expected}
        if larger == expected:
            break
        expected = larger
    assert groups == {one for one in expected if len(one) > 1}
    assert len(groups) > 300


def encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def test_odd_formats_are_named(extractor: fp.Extractor) -> None:
    gallery = fp.Gallery(extractor)
    for source in SOURCES[:3]:
        gallery.enroll(f"s{source}", [synthetic_image(source, i) for i in (0, 1)], copies=False)
    assert gallery.check().formats == ()
    gallery.enroll("jpeg", [encoded(synthetic_image(6, i)) for i in (0, 1)], copies=False)
    (found,) = gallery.check().formats
    assert (found.entry, found.kind, found.lossy, found.copies) == ("jpeg", "lossy", 2, False)
    assert "draw lossy images whoever made them" in found.words
    assert found.words.endswith("Enroll originals of all, with copies.")
    gallery.enroll("s0", encoded(synthetic_image(0, 2)), copies=False)
    mixed, lonely = gallery.check().formats
    assert (mixed.entry, mixed.kind, mixed.lossy, mixed.images) == ("s0", "mixed", 1, 3)
    assert "1 of 3 images" in mixed.words
    assert lonely.kind == "lossy"
    gallery.remove("s0"), gallery.remove("s2")
    for source in (0, 2):
        gallery.enroll(f"j{source}", [encoded(synthetic_image(source, i)) for i in (0, 1)])
    (found,) = gallery.check().formats
    assert (found.entry, found.kind) == ("s3", "lossless")
    assert not found.copies
    kept = fp.Gallery(extractor)
    for source in (0, 2, 3):
        image = synthetic_image(source, 0)
        kept.enroll(f"s{source}", encoded(image) if source else image, copies=True)
    (found,) = kept.check().formats
    assert found.copies
    assert "copies of all entries" in found.words


# ---- more images -------------------------------------------------------------------------


def side(images: int, model: Calibration) -> Side:
    rows = unit(np.ones((images, model.cohort.embeddings.shape[1])))
    entry = Entry(rows, np.zeros(images, bool), np.zeros(images, np.int32))
    (explained,) = model.cohort.explain(rows[:1], images)
    return enrolled_side(entry, range(images), explained)


def test_the_share_missed_is_that_of_scores_around_the_entrys_own() -> None:
    """Thresholds and misses rise alike with the number of images there: more do not help."""
    model = calibration()
    margins = {0: [0.0, 0.02, 0.04], 1: [-0.02, 0.0, 0.02]}
    above, at = outlooks([side(3, model), side(3, model)], margins, model, 0.01)
    assert at == Outlook(3, 0.5, 3, 0.5)
    assert above is not None
    assert above.missed == pytest.approx(NormalDist().cdf(-1))
    assert above.words == (
        "with 3 images about 16 % of single images by it are not named; more images hardly lower "
        "that."
    )
    # One of which nothing is known is as the others are.
    usual = outlooks([side(3, model)] * 2 + [side(1, model)], margins, model, 0.01)[2]
    assert usual is not None
    assert usual.missed == pytest.approx(NormalDist().cdf(-0.5))
    assert "with 1 image about" in usual.words
    assert outlooks([side(1, model)], {}, model, 0.01) == (None,)


def test_more_images_help_until_the_calibration_says_they_do_not() -> None:
    model = fp.load(device="cpu").calibration
    numbers = (1, 2, 4, 10, 20, 30)
    sides = [side(images, model) for images in numbers]
    leads = [lead(sides[0], images, model, 0.01) for images in numbers]
    assert leads[0] < max(leads[2:])
    # As far from the threshold as the calibration's usual generator, whatever is enrolled.
    margins = {i: [lead(s, s.images - 1, model, 0.01) + x for x in (0.07, 0.13)]
               for i, s in enumerate(sides) if s.images > 1}  # fmt: skip
    found = [one for one in outlooks(sides, margins, model, 0.01) if one is not None]
    assert [one.images for one in found] == list(numbers)
    for one, own in zip(found, sides, strict=True):
        # 0.1 is the mean of the two, 0.06 between them a deviation of 0.06 / sqrt(2).
        above = (0.1 + lead(own, own.images, model, 0.01)) / (0.06 / 2**0.5)
        assert one.missed == pytest.approx(NormalDist().cdf(-above))
        assert one.enough >= one.images
        assert one.missed >= one.missed_then
        # The least that any number that was calibrated would leave, against what these do.
        most = max(
            lead(own, n, model, 0.01) for n in (*model.images, own.images) if n >= own.images
        )
        helps = one.missed - NormalDist().cdf(-(0.1 + most) / (0.06 / 2**0.5)) >= 0.02
        assert helps == (one.enough > one.images)
    assert found[0].enough > 1
    assert f", with {found[0].enough} about" in found[0].words
    assert found[-1].enough == 30


# ---- table, JSON and page ----------------------------------------------------------------


def test_a_check_is_json(gallery: fp.Gallery, rows: Rows) -> None:
    gallery.enroll("again", rows[3][:2])
    checked = gallery.check()
    document = json.loads(checked.to_json())
    assert document == json.loads(json.dumps(checked.to_dict()))
    assert document["twins"][0]["words"] == checked.twins[0].words
    assert document["summary"] == list(checked.summary)
    assert document["entries"][0]["outlook"]["words"] == checked.entries[0].words
    size = len(document["confusion"]["names"])
    assert [len(row) for row in document["confusion"]["scores"]] == [size] * size


def test_the_picture_has_mean_scores(gallery: fp.Gallery) -> None:
    found = gallery.check().confusion
    assert found.names == gallery.names
    for row, name in enumerate(found.names):
        images = gallery[name].embeddings.astype(float)
        for column, other in enumerate(found.names):
            if row != column:
                expected = float((images @ gallery[other].fingerprint).mean())
                assert found.scores[row][column] == pytest.approx(expected, abs=1e-5)
    first = gallery[found.names[0]].embeddings.astype(float)
    rests = [np.delete(first, i, 0).mean(0) for i in range(len(first))]
    own = np.mean([x @ r / np.linalg.norm(r) for x, r in zip(first, rests, strict=True)])
    assert found.scores[0][0] == pytest.approx(own, abs=1e-5)


def test_names_on_the_page_are_text(gallery: fp.Gallery, rows: Rows) -> None:
    name = "<script>alert(1)</script> & 'more'"
    gallery.rename("source3", name)
    gallery.enroll("<b>twin", rows[3][:2])
    made = page(gallery.check(), "<i>birds.fpg")
    assert "<script" not in made
    assert "<b>" not in made
    assert "<i>" not in made
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in made
    assert not re.search(r"\b(src|href)=", made)  # it loads nothing
    assert "default-src 'none'" in made
    assert made.count("<rect") == len(gallery) ** 2


def test_the_command(
    cli: Cli, gallery: fp.Gallery, rows: Rows, model: list[str], tmp_path: Path
) -> None:
    gallery.enroll("again", rows[3][:3])
    gallery.enroll("alone", rows[1][:1])
    path, out = tmp_path / "known.fpg", tmp_path / "known.html"
    gallery.save(path)
    checked = gallery.check(fpir=0.05)
    document = cli.json("gallery", "check", path, "--fpir", "0.05", "--page", out, *model)
    assert document["gallery"] == str(path)
    assert document["model"]["name"] == "tiny"
    plain = json.loads(checked.to_json())
    assert {key: document[key] for key in plain if key != "model"} == {
        key: value for key, value in plain.items() if key != "model"
    }
    assert out.read_text() == page(checked, "known.fpg")
    said = cli("gallery", "check", path, "--fpir", "0.05", *model)
    for sentence in (*checked.summary, *checked.findings):
        assert sentence in said
    assert all(name in said for name in gallery.names)
    assert "empty" in cli.fails("gallery", "check", empty(gallery, tmp_path), *model)
    assert "absent" in cli.fails("gallery", "check", tmp_path / "absent.fpg", *model)
    assert "fmr=0.9" in cli.fails("gallery", "check", path, "--fpir", "0.9", *model)
    assert "cannot write" in cli.fails(
        "gallery", "check", path, "--page", tmp_path / "no" / "x.html", *model
    )


def empty(gallery: fp.Gallery, folder: Path) -> Path:
    fp.Gallery(gallery.extractor).save(folder / "empty.fpg")
    return folder / "empty.fpg"


@needs_browser
def test_the_page_fits_a_telephone(gallery: fp.Gallery, rows: Rows, tmp_path: Path) -> None:
    for copy in range(12):
        gallery.enroll(f"one with a name that is quite long, number {copy}", rows[3][:2])
    (tmp_path / "g.html").write_text(page(gallery.check(), "g.fpg"))
    with chromium(browser="ALL") as driver:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": True},
        )
        driver.get((tmp_path / "g.html").as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") == 400
        assert driver.get_log("browser") == []


def test_the_example_images_with_the_shipped_model() -> None:
    model = fp.load(device="cpu", windows=16)
    gallery = fp.Gallery(model)
    for folder in sorted((ROOT / "examples" / "images").iterdir()):
        if folder.is_dir():
            gallery.enroll(folder.name, sorted(folder.glob("*.png")), copies=False)
    checked = gallery.check()
    assert [entry.name for entry in checked.entries] == ["finch", "lark", "robin", "wren"]
    assert checked.rates.first is not None
    assert checked.rates.first >= 0.75
    assert checked.rates.misnamed == 0
    assert checked.duplicated == checked.formats == ()
    for row, scores in enumerate(checked.confusion.scores):
        assert np.argmax(scores) == row
