"""Index files that grow: what is added follows what is there, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.indexes import add_plain, check_plain, plain_index, plain_rows

import fingerprint_sdk as fp
from fingerprint_sdk.files import start_after

PROBES = plain_rows(1000, 5).blocks[0]
WRITER = """
import os, signal, sys
import fingerprint_sdk as fp
from support.indexes import add_plain

index = fp.Index.load(sys.argv[1])
left = int(sys.argv[2])

def killed(call):
    def step(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)
    return step

os.fsync = killed(os.fsync)
while True:
    add_plain(index, 1 + len(index) % 7)
    index.save(sys.argv[1])
    print(len(index), flush=True)
"""


def grown(path: Path, *sizes: int, half: bool = False) -> fp.Index:
    """Saved with the first number of images, then opened, added to and saved for each other."""
    plain_index(sizes[0], half=half).save(path)
    for more in sizes[1:]:
        index = fp.Index.load(path)
        add_plain(index, more)
        index.save(path)
    return fp.Index.load(path)


def parts(path: Path) -> int:
    return fp.Index.load(path)._stored.parts


@pytest.mark.parametrize("half", [False, True])
def test_what_is_added_is_behind_what_was_there(tmp_path: Path, half: bool) -> None:
    path = tmp_path / "x.fpi"
    index = plain_index(50, half=half)
    index.save(path)
    before, inode = path.read_bytes(), path.stat().st_ino
    for count in (51, 53, 60):
        add_plain(index, count - len(index))
        index.save(path)
        check_plain(fp.Index.load(path), count)
    assert path.read_bytes()[: len(before)] == before
    assert path.stat().st_ino == inode
    assert parts(path) == 4
    assert fp.Index.load(path).half == half


def test_a_grown_file_answers_like_one_written_at_once(tmp_path: Path) -> None:
    index = grown(tmp_path / "x.fpi", 30, 1, 1, 40, 3)
    check_plain(index, 75)
    places, scores = index.nearest(PROBES, 9)
    index.save(tmp_path / "y.fpi")
    whole = fp.Index.load(tmp_path / "y.fpi")
    np.testing.assert_array_equal(whole.nearest(PROBES, 9)[0], places)
    np.testing.assert_array_equal(whole.nearest(PROBES, 9)[1], scores)
    assert (parts(tmp_path / "x.fpi"), parts(tmp_path / "y.fpi")) == (5, 1)
    assert load_file(tmp_path / "y.fpi")["embeddings"].shape == (75, 16)


def test_an_empty_index_grows(tmp_path: Path) -> None:
    check_plain(grown(tmp_path / "x.fpi", 0, 3, 0, 2), 5)
    assert parts(tmp_path / "x.fpi") == 3


def test_a_new_file_is_plain_safetensors_and_so_is_each_addition(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(4).save(path)
    end = path.stat().st_size
    assert load_file(path)["names"].tobytes() == b"image0\0image1\0image2\0image3\0"
    grown(path, 4, 2)
    (tmp_path / "added").write_bytes(path.read_bytes()[start_after(end) :])
    assert load_file(tmp_path / "added")["names"].tobytes() == b"image4\0image5\0"


def test_saving_what_is_saved_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    index = grown(path, 5, 5)
    before = path.stat()
    index.save(path)
    assert path.stat() == before
    path.unlink()
    index.save(path)
    check_plain(fp.Index.load(path), 10)


def test_removing_writes_the_file_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    index = grown(path, 20, 5)
    index.remove(["image3", "image24"])
    index.save(path)
    again = fp.Index.load(path)
    assert again.names == tuple(f"image{n}" for n in range(25) if n not in (3, 24))
    assert again.stamp("image23") == (23, -23)
    assert parts(path) == 1
    np.testing.assert_array_equal(again.nearest(PROBES)[1], index.nearest(PROBES)[1])


def test_an_image_may_be_removed_while_the_index_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fingerprint_sdk.index import index as module

    path = tmp_path / "x.fpi"
    index = plain_index(9)
    write = module.save

    def interrupted(*arguments: object, **more: object) -> object:
        index.remove(["image2"])
        return write(*arguments, **more)

    monkeypatch.setattr(module, "save", interrupted)
    index.save(path)
    monkeypatch.undo()
    check_plain(fp.Index.load(path), 9)
    index.save(path)
    assert "image2" not in fp.Index.load(path)


def test_what_somebody_else_saved_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(5).save(path)
    one, other = fp.Index.load(path), fp.Index.load(path)
    add_plain(one, 3)
    one.save(path)
    other.remove(["image4"])
    for _ in range(2):
        with pytest.raises(
            fp.GalleryError, match=r"x\.fpi' was changed by somebody else .*changing"
        ):
            other.save(path)  # the file is longer than ``other`` knows
    check_plain(fp.Index.load(path), 8)
    other.save(tmp_path / "y.fpi")
    check_plain(fp.Index.load(tmp_path / "y.fpi"), 4)
    one.remove(["image7"])
    one.save(path)  # replaces the file
    other = fp.Index.load(path)
    add_plain(one, 1)
    one.save(path)
    plain_index(3).save(path)  # one that was never opened from there
    for index in (one, other):
        with pytest.raises(fp.GalleryError, match="changed by somebody else"):
            index.save(path)
    check_plain(fp.Index.load(path), 3)
    path.unlink()
    other.save(path)
    check_plain(fp.Index.load(path), 7)


def test_what_a_killed_writer_left_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(5).save(path)
    index = fp.Index.load(path)
    with path.open("ab") as file:
        file.write(bytes(start_after(path.stat().st_size) + 8 - path.stat().st_size) + b"half of")
    add_plain(index, 2)
    index.save(path)
    check_plain(fp.Index.load(path), 7)


def test_an_open_index_keeps_its_rows_when_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(40).save(path)
    index = fp.Index.load(path)
    plain_index(3).save(path)
    check_plain(index, 40)
    path.unlink()
    check_plain(index, 40)


def test_many_parts_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint_sdk.index.file._MOST_PARTS", 3)
    path = tmp_path / "x.fpi"
    assert [parts(grown(path, 5, *[1] * n) and path) for n in range(5)] == [1, 2, 3, 1, 2]
    check_plain(fp.Index.load(path), 9)


def test_a_cut_file_is_refused_or_is_an_earlier_one(tmp_path: Path) -> None:
    path, cut = tmp_path / "x.fpi", tmp_path / "cut.fpi"
    ends = []
    for sizes in ((3,), (3, 2), (3, 2, 1)):
        grown(path, *sizes)
        ends.append(path.stat().st_size)
    data = path.read_bytes()
    for size in range(len(data)):
        cut.write_bytes(data[:size])
        known = [end for end in ends if end <= size < start_after(end) + 8]
        if known:
            check_plain(fp.Index.load(cut), 3 + 2 * ends.index(known[0]))
        else:
            with pytest.raises(fp.GalleryError, match=r"cut\.fpi"):
                fp.Index.load(cut)


@pytest.mark.parametrize(
    "other", [plain_index(3), plain_index(3, 17), plain_index(0, half=True)], ids=str
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path, other: fp.Index) -> None:
    path = tmp_path / "x.fpi"
    plain_index(5).save(path)
    other.save(tmp_path / "y.fpi")
    data = path.read_bytes()
    path.write_bytes(data + bytes(-len(data) % 8) + (tmp_path / "y.fpi").read_bytes())
    with pytest.raises(fp.GalleryError, match=r"x\.fpi' (is damaged|must have)"):
        fp.Index.load(path)


def kill_while_writing(path: Path, left: int, seconds: float | None = None) -> int:
    """How many images a writer said were saved before it was killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", WRITER, str(path), str(left)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        said = process.stdout.readline() if seconds else ""
        if seconds:
            time.sleep(seconds)
            process.kill()
        said += process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return int(said.split()[-1]) if said else 0


@pytest.mark.parametrize("left", [1, 2, 3, 4])
def test_killed_before_a_sync_loses_nothing_that_was_said(tmp_path: Path, left: int) -> None:
    path = tmp_path / "x.fpi"
    plain_index(10).save(path)
    for _ in range(3):  # each goes on where the one before was killed
        before = len(fp.Index.load(path))
        said = kill_while_writing(path, left)
        index = fp.Index.load(path)
        # The seal is there without its sync, since only the process was killed.
        check_plain(index, len(index))
        assert len(index) >= max(before, said)
    add_plain(index, 1)
    index.save(path)
    check_plain(fp.Index.load(path), len(index))


@pytest.mark.slow
def test_killed_at_any_moment_loses_nothing_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(10).save(path)
    for seconds in np.random.default_rng(0).uniform(0.001, 0.05, 12):
        said = kill_while_writing(path, -1, seconds)
        index = fp.Index.load(path)
        check_plain(index, len(index))
        assert len(index) >= said


def test_a_reader_beside_a_writer_sees_whole_additions(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(10).save(path)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", WRITER, str(path), "-1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            for line in process.stdout:
                index = fp.Index.load(path)
                assert len(index) >= int(line)
                check_plain(index, len(index))
                if len(index) > 300:
                    break
        finally:
            process.kill()
