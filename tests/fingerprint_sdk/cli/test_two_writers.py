"""Commands that change one file at once: both do what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.cli_runner import Cli, write_generators
from support.tiny_model import synthetic_image

from fingerprint_sdk.gallery import Gallery
from fingerprint_sdk.index import Index


def at_once(*commands: list[object]) -> list[dict[str, object]]:
    """The JSON documents of commands that run beside each other."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "fingerprint_sdk", *map(str, command), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for command in commands
    ]
    results = [process.communicate() for process in processes]
    for process, (_, complaint) in zip(processes, results, strict=True):
        assert process.returncode == 0, complaint.decode()
    return [json.loads(printed) for printed, _ in results]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two folders of four generators, three images each."""
    return [
        write_generators(
            tmp_path / name,
            {
                f"{name}{source}": [synthetic_image(source, i, 140, 140) for i in range(3)]
                for source in range(4)
            },
        )
        for name in "ab"
    ]


def test_two_gallery_adds_add_both(pictures: list[Path], model: list[str], tmp_path: Path) -> None:
    path = tmp_path / "g.fpg"
    command = ["gallery", "add", path]
    told = at_once(*([*command, folder, "--no-copies", *model] for folder in pictures))
    known = Gallery.load(path)
    assert sum(len(entry.embeddings) for _, entry in known.items()) == 24
    assert sorted(known.names) == sorted(name for one in told for name in one["added"])


def test_two_gallery_adds_of_one_folder_add_it_once(
    pictures: list[Path], model: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    command = ["gallery", "add", path, pictures[0], "--no-copies", *model]
    told = at_once(command, command)
    assert sum(len(entry.embeddings) for _, entry in Gallery.load(path).items()) == 12
    assert sorted(name for one in told for name in one["added"]) == [f"a{n}" for n in range(4)]
    assert all(len(one["added"]) + len(one["unchanged"]) == 4 for one in told)


def test_two_enrolments_of_one_name_add_both(
    pictures: list[Path], model: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "g.fpg"
    command = ["enroll", "x", "-g", path, "--no-copies", *model]
    told = at_once(*([*command, folder / f"{folder.name}0"] for folder in pictures))
    assert len(Gallery.load(path)["x"].embeddings) == 6
    assert sorted(one["images"] for one in told) == [3, 6]


def test_two_indexings_add_both(pictures: list[Path], model: list[str], tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    told = at_once(*(["index", folder, "--out", path, *model] for folder in pictures))
    assert len(Index.load(path)) == 24
    assert [one["added"] for one in told] == [12, 12]


def test_two_indexings_of_one_folder_add_it_once(
    pictures: list[Path], model: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.fpi"
    command = ["index", pictures[0], "--out", path, *model]
    told = at_once(command, command)
    assert len(Index.load(path)) == 12
    assert [one["images"] for one in told] == [12, 12]


def test_an_image_that_somebody_else_indexed_anew_is_not_taken_out(
    cli: Cli, pictures: list[Path], model: list[str], tmp_path: Path
) -> None:
    """What is stale in the index as it was opened may not be stale when it is saved."""
    from fingerprint_sdk.cli.index import _Growing
    from fingerprint_sdk.extractor import load

    path, picture = tmp_path / "x.fpi", pictures[0] / "a0" / "0.png"
    cli("index", pictures[0], "--out", path, *model)
    extractor = load(model[1], device="cpu", threads=1)
    known = Index.load(path, extractor)
    stale = {str(picture): known.stamp(str(picture))}
    picture.write_bytes((pictures[1] / "b3" / "0.png").read_bytes())
    slow = _Growing(path, extractor, known, stale)
    slow.new.add([str(picture)])
    cli("index", pictures[0], "--out", path, *model)
    before = Index.load(path)
    slow.save()
    after = Index.load(path)
    assert sorted(after.names) == sorted(before.names)
    assert after.stamp(str(picture)) == before.stamp(str(picture)) != stale[str(picture)]


def test_folders_whose_names_look_the_same_are_one_entry(
    cli: Cli, model: list[str], tmp_path: Path
) -> None:
    images = [synthetic_image(0, i, 140, 140) for i in range(3)]
    spelled = {"mod\u00e8le": images[:2], "mode\u0300le": images[2:]}
    folder = write_generators(tmp_path / "generators", spelled)
    if len(list(folder.iterdir())) != 2:
        pytest.skip("this file system keeps no two spellings apart")
    path = tmp_path / "g.fpg"
    document = cli.json("gallery", "add", path, folder, "--no-copies", *model)
    assert document["added"] == {"mod\u00e8le": 3}
    assert cli.json("gallery", "add", path, folder, "--no-copies", *model)["unchanged"]
    cli("gallery", "rename", path, "mode\u0300le", "x")
    assert Gallery.load(path).names == ("x",)
    assert np.shape(Gallery.load(path)["x"].embeddings) == (3, 16)
