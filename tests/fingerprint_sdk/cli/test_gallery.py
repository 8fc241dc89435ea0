"""The command line's gallery commands: enroll, identify and ``gallery ...``."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cli_runner import Cli, write_flat
from support.tiny_model import synthetic_image

import fingerprint_sdk
from fingerprint_sdk.gallery import Gallery


@pytest.fixture
def known(cli: Cli, generators: Path, model: list[str], tmp_path: Path) -> Path:
    """A gallery of source0 and source1, three images each; source2 is left out."""
    gallery = tmp_path / "known.fpg"
    for name in ("source0", "source1"):
        files = [generators / name / f"{index}.png" for index in range(3)]
        cli("enroll", name, *files, "--gallery", gallery, *model)
    return gallery


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.png"
    path.write_bytes(b"this is no picture")
    return path


# ---- enroll and identify -------------------------------------------------------------------


def test_enroll_makes_and_extends_a_gallery(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    gallery = tmp_path / "new.fpg"
    first, second = (generators / "source0" / f"{i}.png" for i in range(2))
    document = cli.json("enroll", "s0", first, "--gallery", gallery, "--notes", "hello", *model)
    assert (document["added"], document["images"]) == (1, 1)
    assert "new gallery" in cli.stderr
    document = cli.json("enroll", "s0", second, "--gallery", gallery, *model)
    assert (document["added"], document["images"]) == (1, 2)
    entry = Gallery.load(gallery)["s0"]
    assert entry.notes == "hello"
    assert len(entry.embeddings) == 2


def test_a_failed_enroll_leaves_the_gallery_as_it_was(
    cli: Cli, generators: Path, model: list[str], known: Path, bad: Path
):
    before = known.read_bytes()
    good = generators / "source2" / "0.png"
    stopping = ["enroll", "new", good, bad, "-g", known, "--on-error", "raise", *model]
    assert "bad.png" in cli.fails(*stopping)
    assert known.read_bytes() == before


def test_enroll_skips_what_it_cannot_use(
    cli: Cli, generators: Path, model: list[str], known: Path, bad: Path, tmp_path: Path
):
    flat = write_flat(tmp_path / "flat.png")
    good = generators / "source2" / "0.png"
    document = cli.json("enroll", "new", bad, good, flat, "-g", known, *model)
    assert document["added"] == 1
    assert [entry["path"] for entry in document["skipped"]] == [str(bad), str(flat)]


def test_identify_each_image(cli: Cli, generators: Path, model: list[str], known: Path):
    probes = [generators / f"source{i}" / "5.png" for i in range(3)]
    document = cli.json("identify", *probes, "--gallery", known, "--top", "1", *model)
    assert [probe["best"] for probe in document["probes"]] == ["source0", "source1", None]
    assert [probe["paths"] for probe in document["probes"]] == [[str(p)] for p in probes]
    assert all(len(probe["candidates"]) == 1 for probe in document["probes"])
    table = cli("identify", *probes, "--gallery", known, *model)
    assert all(str(probe) in table for probe in probes)


def test_identify_together(
    cli: Cli, generators: Path, model: list[str], known: Path, tiny_model_path: Path
):
    folder = generators / "source1"
    document = cli.json("identify", folder, "--together", "-g", known, *model)
    (probe,) = document["probes"]
    extractor = fingerprint_sdk.load(tiny_model_path, device="cpu")
    expected = extractor.identify(sorted(folder.iterdir()), Gallery.load(known))
    assert probe["best"] == expected.best == "source1"
    assert len(probe["paths"]) == 6
    scores = [candidate["score"] for candidate in probe["candidates"]]
    assert scores == pytest.approx([c.score for c in expected.candidates], abs=1e-6)
    assert probe["threshold"] == expected.threshold


def test_identify_one_image_for_people(
    cli: Cli, generators: Path, model: list[str], known: Path, tiny_model_path: Path
):
    """One of three answers, and what it rests on, as the library has it."""
    stranger = generators / "stranger.png"
    Image.fromarray(synthetic_image(5, 0)).save(stranger)
    extractor = fingerprint_sdk.load(tiny_model_path, device="cpu")
    for probe, verdict, answer in (
        (generators / "source0" / "5.png", "named", "source: source0"),
        (generators / "source2" / "5.png", "inconclusive", "inconclusive, nearest source1"),
        (stranger, "none", "none of these"),
    ):
        expected = extractor.identify(probe, Gallery.load(known), fpir=0.05)
        assert expected.verdict == verdict
        printed = cli("identify", probe, "-g", known, "--fpir", "0.05", *model)
        first, sentence, *rest = printed.splitlines()
        assert (first, sentence) == (answer, expected.words)
        assert any(f"{expected.threshold:.4f}: at most 5 % of strangers" in line for line in rest)
        assert any(f"{expected.missed:.4f}: at most 5 % of known ones" in line for line in rest)
        assert ("settled by" in printed) == (verdict == "inconclusive")
        assert answer in cli("identify", probe, probe, "-g", known, "--fpir", "0.05", *model)


def test_identify_takes_its_own_rates_and_says_so(
    cli: Cli, generators: Path, model: list[str], known: Path
):
    probe = generators / "source0" / "5.png"
    options = ["--fpir", "0.05", "--fnir", "0.1", "--prior", "0.2"]
    (found,) = cli.json("identify", probe, "-g", known, *options, *model)["probes"]
    assert (found["fpir"], found["fnir"], found["prior"]) == (0.05, 0.1, 0.2)
    assert "--fpir" in cli.fails("identify", probe, "-g", known, "--fmr", "0.01", *model)
    assert "--fmr" not in cli("identify", "--help")
    assert "0.001 to" in cli.fails("identify", probe, "-g", known, "--fpir", "0.9", *model)


def test_identify_says_nothing_of_a_flat_image(
    cli: Cli, model: list[str], known: Path, tmp_path: Path
):
    flat = write_flat(tmp_path / "flat.png")
    printed = cli("identify", flat, "-g", known, *model)
    assert printed.startswith("inconclusive\n")
    assert "no fingerprint" in printed
    assert "source0" not in printed


def test_identify_skips_or_stops_at_a_corrupt_image(
    cli: Cli, generators: Path, model: list[str], known: Path, bad: Path
):
    good = generators / "source0" / "5.png"
    stopping = ["identify", good, bad, "-g", known, "--on-error", "raise", *model]
    assert "bad.png" in cli.fails(*stopping)
    document = cli.json("identify", bad, good, "-g", known, *model)
    assert [probe["paths"] for probe in document["probes"]] == [[str(good)]]
    assert [entry["path"] for entry in document["skipped"]] == [str(bad)]
    assert cli.stderr.startswith("skipped: ")
    assert "none of the 1 images" in cli.fails("identify", bad, "-g", known, *model)


def test_a_gallery_of_another_model_is_refused(
    cli: Cli, generators: Path, known: Path, other_model_path: Path
):
    image = generators / "source0" / "0.png"
    other = ["--model", str(other_model_path), "--device", "cpu"]
    before = known.read_bytes()
    for command in (["identify", image], ["enroll", "source0", image]):
        assert "tiny" in cli.fails(*command, "-g", known, *other)
    assert known.read_bytes() == before


def test_a_missing_or_damaged_gallery(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    image = generators / "source0" / "0.png"
    assert "none.fpg" in cli.fails("identify", image, "-g", tmp_path / "none.fpg", *model)
    damaged = tmp_path / "damaged.fpg"
    damaged.write_bytes(b"not a gallery")
    assert "damaged.fpg" in cli.fails("identify", image, "-g", damaged, *model)
    assert "damaged.fpg" in cli.fails("enroll", "x", image, "-g", damaged, *model)
    assert damaged.read_bytes() == b"not a gallery"


# ---- gallery -------------------------------------------------------------------------------


def test_gallery_create(cli: Cli, model: list[str], tmp_path: Path):
    gallery = tmp_path / "new.fpg"
    cli("gallery", "create", gallery, *model)
    assert cli.json("gallery", "info", gallery)["entries"] == 0
    before = gallery.read_bytes()
    assert "exists" in cli.fails("gallery", "create", gallery, *model)
    assert gallery.read_bytes() == before


def test_gallery_add_and_resume(cli: Cli, generators: Path, model: list[str], tmp_path: Path):
    gallery = tmp_path / "all.fpg"
    first = cli.json("gallery", "add", gallery, generators, *model)
    assert first["added"] == {"source0": 6, "source1": 6, "source2": 6}
    assert first["unchanged"] == []

    before = gallery.read_bytes()
    again = cli.json("gallery", "add", gallery, generators, *model)
    assert again["added"] == {}
    assert again["unchanged"] == ["source0", "source1", "source2"]
    assert gallery.read_bytes() == before

    cli("gallery", "remove", gallery, "source1")
    resumed = cli.json("gallery", "add", gallery, generators, *model)
    assert resumed["added"] == {"source1": 6}
    assert resumed["unchanged"] == ["source0", "source2"]


def test_gallery_add_keeps_what_it_had_done(
    cli: Cli, generators: Path, model: list[str], bad: Path, tmp_path: Path
):
    gallery = tmp_path / "all.fpg"
    os.replace(bad, generators / "source1" / "3.png")
    skipping = ["gallery", "add", gallery, generators, *model]
    assert "3.png" in cli.fails(*skipping, "--on-error", "raise")
    assert Gallery.load(gallery).names == ("source0",)

    document = cli.json(*skipping)
    assert document["added"] == {"source1": 5, "source2": 6}
    assert len(document["skipped"]) == 1
    assert cli.json(*skipping)["unchanged"] == ["source0", "source1", "source2"]


def test_gallery_add_changed_files(cli: Cli, generators: Path, model: list[str], tmp_path: Path):
    gallery = tmp_path / "all.fpg"
    cli("gallery", "add", gallery, generators, *model)
    (generators / "source0" / "5.png").unlink()
    before = gallery.read_bytes()
    assert "'source0'" in cli.fails("gallery", "add", gallery, generators, *model)
    assert gallery.read_bytes() == before
    document = cli.json("gallery", "add", gallery, generators, "--replace", *model)
    assert document["added"] == {"source0": 5}
    assert len(Gallery.load(gallery)["source0"].embeddings) == 5


def test_gallery_add_needs_folders_of_images(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    gallery = tmp_path / "all.fpg"
    assert "folder" in cli.fails("gallery", "add", gallery, generators / "source0", *model)
    assert "folder" in cli.fails("gallery", "add", gallery, tmp_path / "nowhere", *model)
    assert not gallery.exists()


def test_gallery_list_rename_remove(cli: Cli, known: Path):
    cli("gallery", "rename", known, "source0", "zero")
    listed = cli.json("gallery", "list", known)["entries"]
    assert [(entry["name"], entry["images"]) for entry in listed] == [("zero", 3), ("source1", 3)]
    assert "zero" in cli("gallery", "list", known)
    assert "'zero'" in cli.fails("gallery", "rename", known, "source1", "zero")

    before = known.read_bytes()
    assert "'nobody'" in cli.fails("gallery", "remove", known, "zero", "nobody")
    assert known.read_bytes() == before
    cli("gallery", "remove", known, "zero")
    assert Gallery.load(known).names == ("source1",)


def test_gallery_info(cli: Cli, known: Path, tiny_model_path: Path):
    document = cli.json("gallery", "info", known)
    sha256 = fingerprint_sdk.load(tiny_model_path, device="cpu").model_sha256
    assert document["model"]["sha256"] == sha256
    assert (document["entries"], document["images"]) == (2, 6)
    assert document["bytes"] == known.stat().st_size
    assert sha256 in cli("gallery", "info", known)


def test_gallery_merge(cli: Cli, known: Path, generators: Path, model: list[str], tmp_path: Path):
    other = tmp_path / "other.fpg"
    for name in ("source1", "source2"):
        cli("enroll", name, generators / name / "5.png", "-g", other, *model)
    before = known.read_bytes()
    assert "'source1'" in cli.fails("gallery", "merge", known, other)
    assert known.read_bytes() == before
    cli("gallery", "merge", known, other, "--on-duplicate", "add")
    listed = cli.json("gallery", "list", known)["entries"]
    counts = {entry["name"]: entry["images"] for entry in listed}
    assert counts == {"source0": 3, "source1": 4, "source2": 1}


def test_gallery_export(cli: Cli, known: Path, tmp_path: Path):
    out = tmp_path / "known.csv"
    cli("gallery", "export", known, "--out", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [(row["name"], row["images"]) for row in rows] == [("source0", "3"), ("source1", "3")]
    fingerprint = np.array([rows[0][f"e{i}"] for i in range(16)], np.float32)
    np.testing.assert_array_equal(fingerprint, Gallery.load(known)["source0"].fingerprint)
    assert ".csv" in cli.fails("gallery", "export", known, "--out", tmp_path / "x.txt")
    cli("gallery", "export", known, "--out", tmp_path / "x.txt", "--format", "csv")
    assert (tmp_path / "x.txt").read_bytes() == out.read_bytes()
    pytest.importorskip("pyarrow")
    cli("gallery", "export", known, "--out", tmp_path / "known.parquet")
    assert (tmp_path / "known.parquet").read_bytes().startswith(b"PAR1")
