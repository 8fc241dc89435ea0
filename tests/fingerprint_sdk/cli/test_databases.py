"""Galleries in databases on the command line: as those in files, and no secret is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli_runner import Cli

import fingerprint_sdk as fp
from fingerprint_sdk.gallery.stores import store_at

pytest.importorskip("qdrant_client", reason="needs the extra `qdrant`")


def test_a_gallery_in_a_database_answers_as_a_file(
    tmp_path: Path, cli: Cli, generators: Path, tiny_model_path: Path
) -> None:
    file, address = tmp_path / "g.fpg", f"qdrant://{tmp_path / 'vectors'}#mine"
    model = ("--model", tiny_model_path)
    folders = sorted(path for path in generators.iterdir() if path.is_dir())
    for gallery in (file, address):
        for folder in folders:
            cli("enroll", folder.name, folder, "--gallery", gallery, "--no-copies", *model)
    listed = [cli.json("gallery", "list", gallery) for gallery in (file, address)]
    assert listed[0]["entries"] == listed[1]["entries"]
    assert [one["name"] for one in listed[1]["entries"]] == [path.name for path in folders]
    assert listed[1]["gallery"] == "qdrant://…#mine"
    probe = sorted(folders[0].iterdir())[0]
    found = [cli.json("identify", probe, "-g", gallery, *model) for gallery in (file, address)]
    assert found[0]["probes"] == found[1]["probes"]
    assert found[1]["gallery"] == "qdrant://…#mine"
    content = store_at(address).load()
    assert content.identity == fp.load(tiny_model_path).identity


@pytest.mark.parametrize("command", ["info", "check", "create", "remove", "merge"])
def test_other_commands_take_files_and_tell_no_secret(cli: Cli, command: str) -> None:
    address = "postgresql://me:hunter2@host/base#mine"
    told = cli.fails(
        "gallery", command, address, *(["x"] if command in ("remove", "merge") else [])
    )
    assert "takes gallery files" in told
    assert "hunter2" not in told


def test_a_database_out_of_reach_is_told_without_its_secret(cli: Cli) -> None:
    pytest.importorskip("psycopg", reason="needs the extra `postgres`")
    told = cli.fails("gallery", "list", "postgresql://me:hunter2@127.0.0.1:1/base#mine")
    assert "cannot be used" in told
    assert "hunter2" not in told
