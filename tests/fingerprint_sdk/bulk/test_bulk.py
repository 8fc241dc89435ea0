"""Bulk embedding in this process: all rows once, the numbers of `embed_many`, bad files apart."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.cli_runner import Cli
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.bulk import BulkResult, embed_source, list_shards

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SIZE = 4  # images in a shard


def encoded(number: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(synthetic_image(number % 3, number)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    """Ten PNG files by name, in their order, of which one is none."""
    files = {f"{number // 4}/{number}.png": encoded(number) for number in range(10)}
    return files | {"1/5.png": b"no image"}


@pytest.fixture
def folder(images: dict[str, bytes], tmp_path: Path) -> Path:
    for name, content in images.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "images/notes.txt").write_text("no image, and not named like one")
    (tmp_path / "images/.hidden.png").write_bytes(encoded(0))
    return tmp_path / "images"


def rows(out: Path, table: str = "embeddings") -> list[dict[str, Any]]:
    found = [parquet.read_table(path).to_pylist() for path in sorted((out / table).iterdir())]
    return [row for part in found for row in part]


def kept(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "embeddings").iterdir()}


def assert_same_bits(
    found: list[dict[str, Any]], extractor: fp.Extractor, contents: list[bytes]
) -> None:
    local = extractor.embed_many(contents)
    embeddings = np.array([row["embedding"] for row in found], np.float32)
    np.testing.assert_array_equal(embeddings.view(np.int32), local.embeddings.view(np.int32))
    assert [json.loads(row["quality"]) for row in found] == [q.to_dict() for q in local.quality]
    assert [row["windows"] for row in found] == [q.windows for q in local.quality]
    assert {row["model_sha256"] for row in found} == {extractor.model_sha256}


def test_a_folder_gives_each_image_once_with_the_numbers_of_embed_many(
    extractor: fp.Extractor, folder: Path, images: dict[str, bytes], tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    out = tmp_path / "out"
    result = embed_source(
        folder, out, extractor, shard_size=SIZE, progress=lambda *now: seen.append(now)
    )
    assert result == BulkResult(shards=3, found=0, images=9, bad=1)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [row["name"] for row in rows(out)] == [name for name in images if name != "1/5.png"]
    assert_same_bits(rows(out), extractor, list(images.values()))
    (bad,) = rows(out, "bad")
    assert bad["name"] == "1/5.png"
    assert "is not an image" in bad["reason"]
    schema = parquet.read_schema(out / "embeddings/0000000.parquet")
    assert schema.field("embedding").type == pyarrow.list_(
        pyarrow.float32(), extractor.embedding_size
    )


def test_finished_shards_are_left_alone(
    extractor: fp.Extractor, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    embed_source(folder, out, extractor, shard_size=SIZE)
    whole, before = rows(out), kept(out)
    (out / "embeddings/0000001.parquet").unlink()
    again = embed_source(folder, out, extractor, shard_size=SIZE)
    assert again == BulkResult(shards=3, found=2, images=3, bad=1)
    assert rows(out) == whole
    after = kept(out)
    assert {name for name in before if before[name] == after[name]} == set(before) - {
        "0000001.parquet"
    }
    assert embed_source(folder, out, extractor, shard_size=SIZE) == BulkResult(3, 3, 0, 0)


def test_another_source_model_or_size_of_shard_is_refused(
    extractor: fp.Extractor, other_model_path: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    embed_source(folder, out, extractor, shard_size=SIZE)
    before = kept(out)
    other = fp.load(other_model_path, device="cpu", threads=1)
    with pytest.raises(fp.FingerprintError, match="begun with other model: give another folder"):
        embed_source(folder, out, other, shard_size=SIZE)
    with pytest.raises(fp.FingerprintError, match="begun with other images"):
        embed_source(folder, out, extractor, shard_size=SIZE + 1)
    (folder / "more.png").write_bytes(encoded(1))
    with pytest.raises(fp.FingerprintError, match="begun with other images"):
        embed_source(folder, out, extractor, shard_size=SIZE)
    assert kept(out) == before


def test_other_images_of_the_same_names_are_refused(
    extractor: fp.Extractor, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    embed_source(folder, out, extractor, shard_size=SIZE)
    before = kept(out)
    first = folder / list_shards(folder, SIZE)[0].files[0]
    first.write_bytes(first.read_bytes() + b"changed")
    with pytest.raises(fp.FingerprintError, match="begun with other images"):
        embed_source(folder, out, extractor, shard_size=SIZE)
    assert kept(out) == before


@pytest.mark.parametrize("struct", [False, True])
def test_parquet_gives_each_row(
    struct: bool,
    extractor: fp.Extractor,
    images: dict[str, bytes],
    tmp_path: Path,
) -> None:
    contents = [*images.values(), None]
    values = [{"bytes": c, "path": None} for c in contents] if struct else contents
    source = tmp_path / "images.parquet"
    table = pyarrow.table({"label": list(range(11)), "picture": values})
    parquet.write_table(table, source, row_group_size=4)
    out = tmp_path / "out"
    result = embed_source(source, out, extractor, column="picture")
    assert result == BulkResult(shards=3, found=0, images=9, bad=2)
    good = [number for number in range(10) if number != 5]
    assert [row["name"] for row in rows(out)] == [f"images.parquet#{n}" for n in good]
    assert_same_bits(rows(out), extractor, list(images.values()))
    reasons = {row["name"]: row["reason"] for row in rows(out, "bad")}
    assert "is not an image" in reasons["images.parquet#5"]
    assert reasons["images.parquet#10"] == "row 10 has no bytes"
    lacking = embed_source(source, tmp_path / "lacking", extractor)
    assert (lacking.images, lacking.bad) == (0, 3)
    assert (
        "no column 'image', but label, picture" in rows(tmp_path / "lacking", "bad")[0]["reason"]
    )


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_an_archive_gives_its_images_in_their_order(
    ending: str, extractor: fp.Extractor, images: dict[str, bytes], tmp_path: Path
) -> None:
    source = tmp_path / "webdataset"
    source.mkdir()
    with tarfile.open(source / f"000.{ending}", f"w:{ending[4:]}") as archive:
        for number, content in enumerate(images.values()):
            for name, data in ((f"{number:03d}.png", content), (f"{number:03d}.json", b"{}")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    out = tmp_path / "out"
    assert embed_source(source, out, extractor) == BulkResult(1, 0, 9, 1)
    good = [number for number in range(10) if number != 5]
    assert [row["name"] for row in rows(out)] == [f"000.{ending}/{n:03d}.png" for n in good]
    assert_same_bits(rows(out), extractor, list(images.values()))


def test_what_is_cut_short_counts_until_there_and_is_told(
    extractor: fp.Extractor, images: dict[str, bytes], tmp_path: Path
) -> None:
    source, content = tmp_path / "source", io.BytesIO()
    source.mkdir()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for number in (0, 1, 2):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(encoded(number))
            archive.addfile(member, io.BytesIO(encoded(number)))
    (source / "cut.tar").write_bytes(content.getvalue()[: 2 * len(encoded(0))])
    (source / "none.parquet").write_bytes(b"PAR1 no more")
    (source / "none.tar").write_bytes(b"no archive" * 100)
    out = tmp_path / "out"
    result = embed_source(source, out, extractor)
    assert result.images >= 1
    assert {row["name"] for row in rows(out, "bad")} == {"cut.tar", "none.parquet", "none.tar"}
    assert all("cannot be read to its end" in row["reason"] for row in rows(out, "bad"))


@pytest.mark.parametrize("damage", ["end", "header cut", "header changed"])
def test_an_archive_without_its_end_is_told(
    extractor: fp.Extractor, tmp_path: Path, damage: str
) -> None:
    content, starts = io.BytesIO(), []
    with tarfile.open(fileobj=content, mode="w") as archive:
        for number in range(4):
            starts.append(archive.offset)
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(encoded(number))
            archive.addfile(member, io.BytesIO(encoded(number)))
    data = bytearray(content.getvalue())
    if damage == "header changed":
        data[starts[2] + 3] ^= 1
    else:
        del data[starts[2] + (100 if damage == "header cut" else 0) :]
    (tmp_path / "a.tar").write_bytes(data)
    out = tmp_path / "out"
    assert embed_source(tmp_path / "a.tar", out, extractor) == BulkResult(1, 0, 2, 1)
    assert [row["name"] for row in rows(out)] == ["a.tar/0.png", "a.tar/1.png"]
    (bad,) = rows(out, "bad")
    assert bad["name"] == "a.tar"
    assert "cannot be read to its end" in bad["reason"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_is_no_file_is_told_and_stops_nothing(
    extractor: fp.Extractor, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.png").write_bytes(encoded(0))
    gone = {"gone.tar", "gone.parquet", "gone.png"}
    for name in gone:
        (source / name).symlink_to(tmp_path / "nowhere")
    for name in ("pipe.tar", "pipe.parquet"):
        os.mkfifo(source / name)
    out = tmp_path / "out"
    assert embed_source(source, out, extractor).images == 1
    told = {row["name"] for row in rows(out, "bad")}
    assert told == {*gone, "pipe.tar", "pipe.parquet"}


def test_shards_are_the_same_wherever_the_source_lies(folder: Path, tmp_path: Path) -> None:
    shards = list_shards(folder, SIZE)
    moved = tmp_path / "moved"
    folder.rename(moved)
    assert list_shards(moved, SIZE) == shards
    assert sum(len(shard.files) for shard in shards) == 10
    (tmp_path / "empty").mkdir()
    with pytest.raises(fp.ImageError, match="holds no image"):
        list_shards(tmp_path / "empty")
    with pytest.raises(fp.ImageError, match=r"holds no image|cannot read"):
        list_shards(tmp_path / "gone")


def test_the_command_says_what_it_did(
    cli: Cli, model: list[str], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("embed", folder, *model, "--engine", "local", "--out", out)
    assert cli(*given) == ""
    assert f"wrote 9 embeddings to {out}" in cli.stderr
    assert "1 files could not be used" in cli.stderr
    assert len(rows(out)) == 9
    cli(*given)
    assert "1 of 1 shards were there already" in cli.stderr


@pytest.mark.parametrize(
    "more",
    [
        ["--engine", "local"],
        ["--engine", "local", "--out", "x", "--json"],
        ["--engine", "local", "--out", "x", "--workers", "2"],
        ["--engine", "local", "--out", "x", "--recursive"],
        ["--engine", "local", "--out", "x", "another"],
        ["--column", "x"],
        ["--shard-size", "4"],
    ],
)
def test_options_without_effect_are_refused(cli: Cli, more: list[str], folder: Path) -> None:
    assert "--engine" in cli.fails("embed", folder, *more)
