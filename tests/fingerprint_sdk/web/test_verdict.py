"""Cards of the web page: answer, drawing, number and words are those of the result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from support.cli_runner import write_flat

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.verdict import support
from fingerprint_sdk.explanation.scale import scale
from fingerprint_sdk.explanation.sentences import chance
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.web import verdict
from fingerprint_sdk.web.actions import Actions

SAME = ("same", "Same generator")
DIFFERENT = ("different", "Different generators")
INCONCLUSIVE = ("inconclusive", "Inconclusive")

# Which pretend generators a pair is by, and how the tiny model judges it.
PAIRS = [("source0", "source0", *SAME), ("source0", "source1", *DIFFERENT)]
PAIRS += [("source1", "source2", *INCONCLUSIVE)]


@pytest.fixture
def actions(extractor: fp.Extractor) -> Iterator[Actions]:
    with closing(Actions(extractor)) as made:
        yield made


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", page)))


def file(files: list[Path], name: str) -> str:
    return str(next(path for path in files if path.name == name))


def place(page: str, mark: str) -> list[float]:
    """Where marks of a kind stand on their lines, in per cent."""
    return [float(left) for left in re.findall(rf'class="{mark}" style="left:([\d.]+)%', page)]


def check_drawing(page: str, kind: str) -> None:
    """The score lies where the verdict says: left of both marks, right of both, or between."""
    (score, *_), (lower, upper) = place(page, "fp-dot"), place(page, "fp-tick")
    expected = {
        "same": lower <= upper <= score,
        "different": score < lower <= upper,
        "inconclusive": lower <= score < upper,
    }
    assert expected[kind]


@pytest.mark.parametrize(("a", "b", "kind", "title"), PAIRS)
def test_a_pair_is_shown_as_it_is_judged(
    actions: Actions, sample_files: list[Path], a: str, b: str, kind: str, title: str
) -> None:
    left, right = file(sample_files, f"{a}_0.png"), file(sample_files, f"{b}_1.png")
    result = actions.extractor.verify([left], [right])
    assert result.verdict == kind
    page = actions.verify([left], [right], None)
    assert page.startswith(f'<section class="fp-card fp-{kind}"')
    assert f"<h3>{title}</h3>" in page
    check_drawing(page, kind)
    said = words(page)
    assert f"score {result.score:.3f}" in said
    assert f"same from {result.threshold:.3f}" in said
    assert f"different below {result.missed:.3f}" in said
    assert result.words in said
    assert f"50 % beforehand, is now {chance(result.probability)}" in said
    assert "1 in 100 would be called the same" in said
    assert "1 in 20 would be called different" in said
    assert "Judged as unprocessed images, 1 against 1." in said
    assert ("With 5 images on each side" in said) == (kind == "inconclusive")
    others = {text for _, text in (SAME, DIFFERENT, INCONCLUSIVE)} - {title}
    assert not any(f"<h3>{other}</h3>" in page for other in others)


@pytest.mark.parametrize(
    ("probe", "kind", "title"),
    [
        ("source0", "same", "source0"),
        ("source2", "inconclusive", "Inconclusive, nearest source1"),
        ("source1", "different", "None of these"),
    ],
)
def test_a_probe_is_shown_as_it_is_judged(
    actions: Actions, sample_files: list[Path], probe: str, kind: str, title: str
) -> None:
    known = {"same": ["source0"], "inconclusive": ["source0", "source1"], "different": ["source0"]}
    gallery = fp.Gallery(actions.extractor)
    for name in known[kind]:
        images = [file(sample_files, f"{name}_{index}.png") for index in range(3)]
        gallery.enroll(name, images, copies=False)
    image = file(sample_files, f"{probe}_4.png")
    result = gallery.identify(image)
    with closing(Actions(actions.extractor, gallery)) as page_actions:
        page = page_actions.identify([image], False, None, None)
    assert page.startswith(f'<section class="fp-card fp-{kind}"')
    assert f"<h3>{title}</h3>" in page
    check_drawing(page, kind)
    said = words(page)
    assert result.words in said
    assert f"is now {chance(result.probability)}" in said
    assert f"named from {result.threshold:.3f}" in said
    assert "1 in 100 would be named" in said
    assert page.count("fp-over") == (kind == "same")
    for candidate in result.candidates:
        assert f"{candidate.name} {support(candidate.likelihood_ratio)}" in said
        assert f"score {candidate.score:.3f}" in said


def test_no_number_stands_beside_an_image_without_a_fingerprint(
    actions: Actions, sample_files: list[Path], tmp_path: Path
) -> None:
    flat, image = str(write_flat(tmp_path / "flat.png")), file(sample_files, "source0_0.png")
    gallery = fp.Gallery(actions.extractor)
    gallery.enroll("source0", image, copies=False)
    with closing(Actions(actions.extractor, gallery)) as page_actions:
        pages = [
            actions.verify([flat], [image], None),
            page_actions.identify([flat], False, None, None),
            actions.explain(flat, image, None, False, None, None)[0].split("</section>")[0],
        ]
    for page in pages:
        assert "<h3>Inconclusive</h3>" in page
        assert "no fingerprint" in words(page)
        assert "fp-scale" not in page
        assert "fp-candidates" not in page
        assert "score 0" not in words(page)
        assert "probability" not in words(page).lower()


def test_a_candidate_never_speaks_against_the_verdict(extractor: fp.Extractor) -> None:
    # The nearest entry has ten lossy images and its score counts against it, though the second's,
    # one untouched image and less near, counts for that one.
    rows = np.eye(extractor.embedding_size, dtype=np.float64)

    def near(cosine: float, place: int) -> np.ndarray:
        return np.asarray(cosine * rows[0] + np.sqrt(1 - cosine**2) * rows[place])

    many = np.stack(
        [near(0.8915, 1) + 0.01 * sign * rows[k] for k in range(3, 8) for sign in (1, -1)]
    )
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    known = fp.Gallery(extractor)
    ten = np.ones(10, np.int32)
    known.enroll("many", Entry(many.astype(np.float32), ten > 0, 0 * ten))
    known.enroll("one", near(0.8905, 2).astype(np.float32))
    result = extractor.identify(rows[0].astype(np.float32), known)
    assert (result.verdict, result.nearest) == ("none", "many")
    assert result.candidates[1].likelihood_ratio > 1
    assert "for the same generator" not in verdict.identification(result, [])


def test_the_candidates_of_a_card_share_a_scale(extractor: fp.Extractor) -> None:
    rows = np.eye(extractor.embedding_size, dtype=np.float32)
    known = fp.Gallery(extractor)
    known.enroll("near", rows[0])
    known.enroll("far", -rows[0])
    result = extractor.identify(rows[0], known)
    page = verdict.identification(result, [])
    assert [candidate.score for candidate in result.candidates] == [1.0, -1.0]
    assert page.count('<span class="fp-end">-1</span>') == 2
    assert place(page, "fp-dot") == [100.0, 0.0]


def test_a_scale_holds_negative_scores_and_marks_what_lies_between() -> None:
    page = scale(-0.5, (0.25, 0.5), ("low", "high"))
    assert place(page, "fp-dot") == [0.0]
    assert place(page, "fp-tick") == [50.0, 66.67]
    assert 'class="fp-band" style="left:50.0%;width:16.67%"' in page
    assert ">-0.2</span>" in scale(-0.12)  # the end is a round number
    assert "fp-tick" not in scale(0.5)
    assert "fp-band" not in scale(0.5, (None, 0.6), ("low", "high"))
    assert "high 0.600" in scale(0.5, (None, 0.6), ("low", "high"))
