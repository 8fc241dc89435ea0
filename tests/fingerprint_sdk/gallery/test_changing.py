"""A gallery that several change at once: nothing is lost, and nobody sees half of it."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from support.embeddings import unit

import fingerprint_sdk as fp
from fingerprint_sdk.files import locked
from fingerprint_sdk.gallery.file import encode

WRITER = """
import sys
import numpy as np
import fingerprint_sdk as fp

path, model, letter = sys.argv[1:]
extractor = fp.load(model, device="cpu", threads=1)
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    with fp.Gallery.changing(path, extractor, create=True) as gallery:
        gallery.enroll(f"{letter}{number}", np.eye(16, dtype=np.float32)[number])
"""


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path, tiny_model_path: Path) -> None:
    path = tmp_path / "g.fpg"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(tiny_model_path), letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for letter in "ab"
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    seen = 0
    while any(process.poll() is None for process in processes):
        if path.exists():
            count = len(fp.Gallery.load(path))  # whole, whenever it is read
            assert count >= seen
            seen = count
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    names = fp.Gallery.load(path).names
    assert sorted(names) == sorted(f"{letter}{number}" for letter in "ab" for number in range(12))
    assert {one.name for one in tmp_path.iterdir()} == {"g.fpg", ".g.fpg.lock"}


def test_after_an_error_nothing_is_saved(gallery: fp.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "g.fpg"

    def fail() -> None:
        with fp.Gallery.changing(path, gallery.extractor, create=True) as changed:
            changed.merge(gallery, on_duplicate="add")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert not path.exists()
    gallery.save(path)
    before = path.stat()
    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    with fp.Gallery.changing(path) as changed:
        assert changed.names == gallery.names
    assert path.stat() == before  # nor is it written for nothing


def test_it_may_be_saved_within_and_somebody_elses_error_is_not_ours(
    gallery: fp.Gallery, tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    with fp.Gallery.changing(path, gallery.extractor) as changed:
        changed.remove("source1")
        changed.save(path)
        changed.rename("source0", "zero")
    assert fp.Gallery.load(path).names == ("zero",)
    with pytest.raises(FileNotFoundError), fp.Gallery.changing(path):
        (tmp_path / "absent").read_bytes()


def test_a_gallery_that_is_missing_broken_or_kept_is_an_error(
    gallery: fp.Gallery, other_model_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"

    def change(model: fp.Extractor | None = None, **options: object) -> None:
        with fp.Gallery.changing(path, model, **options):
            raise AssertionError("it was opened")

    with pytest.raises(fp.GalleryError, match="there is no gallery"):
        change()
    gallery.save(path)
    with pytest.raises(fp.GalleryError, match="embeddings of model tiny"):
        change(fp.load(other_model_path, device="cpu", threads=1))
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        other.stdout.readline()
        with pytest.raises(fp.GalleryError, match=r"g\.fpg': somebody else .* 0\.1 s: try again"):
            change(timeout=0.1)
        other.stdin.close()
    path.write_bytes(b"broken")
    with pytest.raises(fp.GalleryError, match="damaged"):
        change(create=True)
    path.unlink()
    path.symlink_to(tmp_path / "absent" / "g.fpg")  # a link to nothing is not begun anew
    with pytest.raises(fp.GalleryError, match="cannot write"):
        change(create=True)


HOLDER = """
import sys
from fingerprint_sdk.files import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_somebody_else_saved_is_not_replaced(gallery: fp.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    mine, theirs = (fp.Gallery.load(path, gallery.extractor) for _ in range(2))
    theirs.rename("source1", "theirs")
    theirs.save(path)
    theirs.rename("theirs", "still")
    theirs.save(path)  # its own
    mine.remove("source1")
    with pytest.raises(fp.GalleryError, match=r"g\.fpg' was changed by somebody else .*changing"):
        mine.save(path)
    assert fp.Gallery.load(path).names == ("source0", "still")
    mine.save(tmp_path / "mine.fpg")
    fp.Gallery.load(tmp_path / "mine.fpg").save(path)  # another file is replaced, as asked for
    with pytest.raises(fp.GalleryError, match="changed by somebody else"):
        theirs.save(path)
    path.unlink()
    theirs.save(path)
    assert fp.Gallery.load(path).names == ("source0", "still")


def test_an_entry_of_another_gallery_is_enrolled_with_all_it_has(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: dict[str, list[np.ndarray]]
) -> None:
    new = fp.Gallery(extractor)
    new.enroll("x", sample_images["source0"][4:], notes="theirs", copies=True)
    gallery.enroll("y", new["x"])
    assert gallery["y"] is new["x"]
    gallery.enroll("source0", new["x"])
    joined = gallery["source0"]
    assert (len(joined.embeddings), joined.notes) == (6, "first")
    assert {kind: copy.count for kind, copy in joined.copies.items()} == {
        kind: copy.count for kind, copy in new["x"].copies.items()
    }
    gallery.enroll("source0", new["x"], notes="mine")
    gallery.enroll("z", new["x"], notes="mine")
    assert gallery["source0"].notes == gallery["z"].notes == "mine"


# ---- names that look the same ----------------------------------------------------------------

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "modèle") for form in ("NFC", "NFD"))


def test_two_spellings_are_one_entry(extractor: fp.Extractor, tmp_path: Path) -> None:
    assert COMPOSED != DECOMPOSED
    rows = unit(np.random.default_rng(0).standard_normal((3, 16)))
    gallery = fp.Gallery(extractor)
    for name, row in zip((DECOMPOSED, COMPOSED, "other"), rows, strict=True):
        gallery.enroll(name, row)
    assert gallery.names == (COMPOSED, "other")
    assert len(gallery[DECOMPOSED].embeddings) == 2
    assert DECOMPOSED in gallery
    with pytest.raises(fp.GalleryError, match="exists"):
        gallery.rename("other", DECOMPOSED)
    gallery.rename(DECOMPOSED, DECOMPOSED)
    gallery.save(tmp_path / "g.fpg")
    gallery.remove(DECOMPOSED)
    assert gallery.names == ("other",)
    with pytest.raises(fp.GalleryError, match="no entry"):
        gallery.remove("")


def test_two_spellings_in_an_old_file_are_joined(gallery: fp.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "old.fpg"
    first, second = (entry for _, entry in gallery.items())
    path.write_bytes(encode(gallery.model, {COMPOSED: first, DECOMPOSED: second}))
    opened = fp.Gallery.load(path)
    assert opened.names == (COMPOSED,)
    np.testing.assert_array_equal(
        opened[COMPOSED].embeddings, np.concatenate([first.embeddings, second.embeddings])
    )


def test_a_name_that_grows_when_spelled_is_measured_then(extractor: fp.Extractor) -> None:
    gallery = fp.Gallery(extractor)
    with pytest.raises(fp.GalleryError, match="not an entry name"):
        gallery.enroll("\N{DEVANAGARI LETTER QA}" * 150, np.eye(16, dtype=np.float32)[0])


def test_a_lock_is_no_matter_of_readers(gallery: fp.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    with locked(path):
        assert fp.Gallery.load(path).names == gallery.names
