"""The built-in gallery: made of the files that a manifest names, and measured across sources."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

import fingerprint_sdk as fp
from fingerprint_sdk import zoo
from fingerprint_sdk.images import load_image
from trainer.cli import app
from trainer.known import Family, KnownFile, build_known, read_families, read_manifest
from trainer.known.evaluate import evaluate_known, processing

FAMILIES = {
    "first": Family("First decoder", ("A", "B"), "2024-01"),
    "second": Family("Second decoder", ("C",), "2025-02"),
    "third": Family("Third decoder", ("D",), "2025-03"),
    "fourth": Family("Fourth decoder", ("E",), "2025-04"),
}
SOURCES = (("first", "here"), ("first", "there"), ("second", "x"), ("third", "y"), ("fourth", "z"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FAMILY/SOURCE/IMAGE: each family a pretend generator, with pictures of its own."""
    root = tmp_path_factory.mktemp("known")
    for place, (family, source) in enumerate(SOURCES):
        folder = root / family / source
        folder.mkdir(parents=True)
        generator = list(FAMILIES).index(family)
        for number in range(4):
            pixels = synthetic_image(generator, 10 * place + number)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def rows(images: Path) -> tuple[KnownFile, ...]:
    return tuple(
        KnownFile(
            family=family,
            source=source,
            file=f"{family}/{source}/{number}.png",
            repository="owner/name",
            commit="0" * 40,
            path=f"{number}.png",
            format="PNG",
            crop="",
            sha256=hashlib.sha256(
                (images / family / source / f"{number}.png").read_bytes()
            ).hexdigest(),
            licence="MIT",
        )
        for family, source in SOURCES
        for number in range(4)
    )


def written(rows: tuple[KnownFile, ...], path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(KnownFile)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    return path


@pytest.fixture(scope="module")
def model(
    tiny_model_dir: Path,
    rows: tuple[KnownFile, ...],
    images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A model folder with its built-in gallery."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    shutil.copytree(tiny_model_dir, folder)
    build_known(folder, rows, FAMILIES, images, progress=lambda name: None)
    return folder


def test_it_has_an_entry_for_each_source(model: Path) -> None:
    known = fp.known(fp.load(model, device="cpu"))
    assert known.names == (
        "First decoder / here",
        "First decoder / there",
        "Fourth decoder / z",
        "Second decoder / x",
        "Third decoder / y",
    )
    entry = known["First decoder / here"]
    assert entry.provenance == fp.Provenance(
        "First decoder", ("A", "B"), "here", (("PNG", 4),), "since 2024-01"
    )
    assert entry.notes == "owner/name"
    assert len(entry.embeddings) == 4
    assert entry.copies  # so that resized and recompressed probes are found


def test_without_a_gallery_it_is_asked(model: Path, images: Path) -> None:
    extractor = fp.load(model, device="cpu")
    probe = images / "second" / "x" / "1.png"
    found = fp.known(extractor).identify(probe)
    assert (found.nearest, found.members) == ("Second decoder", ("C",))
    again = extractor.identify(probe, fp.known(extractor))
    assert found.to_dict() == again.to_dict()


def test_each_one_asked_for_is_a_gallery_of_its_own(model: Path) -> None:
    extractor = fp.load(model, device="cpu")
    changed = fp.known(extractor)
    changed.remove(changed.names[0])
    assert len(fp.known(extractor)) == len(changed) + 1


def test_a_model_without_one_says_so(tiny_model_dir: Path) -> None:
    extractor = fp.load(tiny_model_dir, device="cpu")
    with pytest.raises(fp.GalleryError, match="no built-in gallery"):
        fp.known(extractor)


def test_its_file_is_promised_with_the_model(model: Path, tmp_path: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    content = (model / "known.fpg").read_bytes()
    assert config["files"]["known.fpg"] == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    broken = tmp_path / "tiny"
    shutil.copytree(model, broken)
    (broken / "known.fpg").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(fp.IntegrityError, match=r"known\.fpg"):
        zoo.resolve(broken)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, "the manifest says"),
        ({"family": "nobody"}, "no family 'nobody'"),
        ({"file": "first/here/9.png"}, r"9\.png"),
    ],
)
def test_what_is_not_as_the_manifest_says_is_refused(
    tiny_model_dir: Path,
    rows: tuple[KnownFile, ...],
    images: Path,
    tmp_path: Path,
    change: dict[str, str],
    said: str,
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_model_dir, folder)
    wrong = (KnownFile(**asdict(rows[0]) | change), *rows[1:])
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        build_known(folder, wrong, FAMILIES, images, progress=lambda name: None)
    assert not (folder / "known.fpg").exists()


def test_a_lossy_image_is_refused(
    tiny_model_dir: Path, rows: tuple[KnownFile, ...], images: Path, tmp_path: Path
) -> None:
    folder, root = tmp_path / "tiny", tmp_path / "images"
    shutil.copytree(tiny_model_dir, folder)
    shutil.copytree(images, root)
    lossy = root / "first" / "here" / "0.jpg"
    Image.fromarray(synthetic_image(0, 0)).save(lossy, quality=80)
    row = asdict(rows[0]) | {
        "file": "first/here/0.jpg",
        "sha256": hashlib.sha256(lossy.read_bytes()).hexdigest(),
    }
    with pytest.raises(ValueError, match="carries lossy compression"):
        build_known(folder, (KnownFile(**row),), FAMILIES, root, progress=lambda name: None)


def test_the_command_makes_it(
    tiny_model_dir: Path, rows: tuple[KnownFile, ...], images: Path, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_model_dir, folder)
    described = tmp_path / "known.toml"
    described.write_text(
        "\n".join(
            f"[{key}]\nfamily = {one.family!r}\nmembers = {list(one.members)!r}\n"
            f"since = {one.since!r}\n"
            for key, one in FAMILIES.items()
        )
    )
    manifest = written(rows, tmp_path / "known.csv")
    assert read_families(described) == FAMILIES
    assert read_manifest(manifest) == rows
    options = ["--images", images, "--manifest", manifest, "--families", described]
    done = CliRunner().invoke(app, ["known", str(folder), *map(str, options)])
    assert done.exit_code == 0, done.output
    made, before = (fp.known(fp.load(one, device="cpu")) for one in (folder, model))
    for (name, entry), (other, same) in zip(made.items(), before.items(), strict=True):
        assert (name, entry.provenance) == (other, same.provenance)
        np.testing.assert_allclose(entry.embeddings, same.embeddings, atol=1e-6)
    out = tmp_path / "scores.json"
    command = ["evaluate", "--model", folder, "--known", images, "--as", "as is", "--as", "jpeg85"]
    more = ["--families", described, "--out", out]
    done = CliRunner().invoke(app, [str(part) for part in (*command, *more)])
    assert done.exit_code == 0, done.output
    assert "jpeg85" in done.output
    assert [one["processed"] for one in json.loads(out.read_text())["processed"]] == [
        "as is",
        "jpeg85",
    ]


def test_a_source_is_left_out_when_its_images_are_looked_up(model: Path, images: Path) -> None:
    gallery = fp.known(fp.load(model, device="cpu"))
    found = evaluate_known(gallery, images, FAMILIES, fpir=0.05)
    by_source = {(one.family, one.source): one for one in found.sources}
    assert len(by_source) == len(SOURCES)
    for (family, source), one in by_source.items():
        kept = fp.known(gallery.extractor)
        for name, entry in gallery.items():
            assert entry.provenance is not None
            if (entry.provenance.family, entry.provenance.source) == (family, source):
                kept.remove(name)
        key = next(key for key, known in FAMILIES.items() if known.family == family)
        answers = [
            kept.identify(path, fpir=0.05) for path in sorted((images / key / source).iterdir())
        ]
        if family == "First decoder":
            assert one.first == np.mean([answer.nearest == family for answer in answers])
            assert one.named == np.mean([answer.best == family for answer in answers])
            assert one.first > 0.5
        else:  # of one source: without it nobody of the family is enrolled
            assert one.first is None
            assert one.stranger == np.mean([answer.known for answer in answers])
    assert found.first is not None
    assert found.first.value == np.mean(
        [one.first for one in found.sources if one.first is not None]
    )


def test_what_happens_to_probes(images: Path) -> None:
    path = images / "first" / "here" / "0.png"
    assert processing("as is")(path) == path
    half = processing("scale0.5")(path)
    height, width = load_image(path).pixels.shape[:2]
    assert half.shape == (height // 2, width // 2, 3)
    for name, codec in (("jpeg85", "JPEG"), ("jpeg 85", "JPEG"), ("webp80", "WEBP")):
        with Image.open(io.BytesIO(processing(name)(path))) as file:
            assert file.format == codec
    for name in ("blurred", "jpeg", "scale", ""):
        with pytest.raises(ValueError, match="nothing that is done"):
            processing(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("family,source\n", "lacks the columns"),
        (None, "names a file twice"),
        ("empty", "a value is missing"),
    ],
)
def test_a_broken_manifest_is_refused(
    rows: tuple[KnownFile, ...], tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "known.csv"
    if text is None:
        written((*rows, rows[0]), path)
    elif text == "empty":
        written((KnownFile(**asdict(rows[0]) | {"licence": ""}),), path)
    else:
        path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_manifest(path)


@pytest.mark.parametrize("text", ["[a]\nfamily = 'x'\n", "a = 3\n", "["])
def test_a_broken_description_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match="does not describe families"):
        read_families(path)
