"""The commands ``fingerprint index`` and ``search``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.cli_runner import Cli, write_flat

import fingerprint_sdk as fp


def test_index_and_search_commands(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path, other_model_path: Path
):
    out = tmp_path / "all.fpi"
    assert cli.json("index", generators, "--out", out, *model)["added"] == 18
    probe = generators / "source1" / "2.png"
    document = cli.json("search", probe, "--index", out, "--top", "6", *model)
    (found,) = document["probes"]
    assert found["matches"][0]["name"] == str(probe)
    assert {Path(m["name"]).parent.name for m in found["matches"]} == {"source1"}
    assert str(probe) in cli("search", probe, "--index", out, *model)
    together = ["search", generators / "source0", "--together", "--index", out, *model]
    assert len(cli.json(*together)["probes"]) == 1
    assert "tiny" in cli.fails("search", probe, "-i", out, "--model", other_model_path)
    assert "none.fpi" in cli.fails("search", probe, "-i", tmp_path / "none.fpi", *model)


def test_search_skips_or_stops_at_a_corrupt_image(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    out = tmp_path / "all.fpi"
    cli("index", generators, "--out", out, *model)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    good = generators / "source0" / "0.png"
    document = cli.json("search", bad, good, "--index", out, *model)
    assert [probe["paths"] for probe in document["probes"]] == [[str(good)]]
    assert [entry["path"] for entry in document["skipped"]] == [str(bad)]
    stopping = ["search", good, bad, "--index", out, "--on-error", "raise", *model]
    assert "bad.png" in cli.fails(*stopping)


def test_index_command_resumes(cli: Cli, generators: Path, model: list[str], tmp_path: Path):
    out = tmp_path / "all.fpi"
    command = ["index", generators, "--out", out, "--half", *model]
    cli.json("index", generators / "source0", "--out", out, "--half", *model)
    resumed = cli.json(*command)
    assert (resumed["added"], resumed["unchanged"], resumed["images"]) == (12, 6, 18)
    before = out.read_bytes()
    again = cli.json(*command)
    assert (again["added"], again["unchanged"], again["images"]) == (0, 18, 18)
    assert out.read_bytes() == before

    (generators / "source0" / "0.png").unlink()
    os.replace(generators / "source0" / "1.png", generators / "source2" / "1.png")
    changed = cli.json(*command)
    gone = [str(generators / "source0" / f"{i}.png") for i in range(2)]
    assert changed["gone"] == gone
    assert (changed["added"], changed["unchanged"], changed["images"]) == (1, 15, 16)
    names = fp.Index.load(out).names
    assert sorted(names) == sorted(map(str, generators.rglob("*.png")))


def test_index_command_reports_bad_files_and_keeps_the_good(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    out = tmp_path / "all.fpi"
    bad = generators / "source2" / "bad.png"
    bad.write_bytes(b"no picture")
    flat = write_flat(generators / "flat.png")
    document = cli.json("index", generators, "--out", out, *model)
    assert document["added"] == 18
    assert sorted(entry["path"] for entry in document["skipped"]) == sorted(map(str, (bad, flat)))
    assert "bad.png" in cli.stderr
    assert "2 skipped" in cli("index", generators, "--out", out, *model)
    assert "bad.png" in cli.fails("index", bad, "--out", out, "--on-error", "raise", *model)


def test_index_command_leaves_a_damaged_file_alone(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path
):
    out = tmp_path / "all.fpi"
    out.write_bytes(b"something else")
    assert "all.fpi" in cli.fails("index", generators, "--out", out, *model)
    assert out.read_bytes() == b"something else"
    assert "folder" in cli.fails("index", generators, "--out", tmp_path / "no" / "x.fpi", *model)


def test_index_command_keeps_what_it_had_done(
    cli: Cli, generators: Path, model: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fingerprint_sdk.cli.index._CHUNK", 5)
    (generators / "source1" / "5.png").write_bytes(b"no picture")
    out = tmp_path / "all.fpi"
    stopping = ["index", generators, "--out", out, "--on-error", "raise", *model]
    assert "5.png" in cli.fails(*stopping)
    assert len(fp.Index.load(out)) == 10
