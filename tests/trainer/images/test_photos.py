"""Photographs lose their camera's trace: shrunk, cut off the JPEG grid, split by file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.photographs import photograph, write_photographs

from trainer.images.photos import MAX_SHRINK, MIN_SHRINK, Photos, load_photos


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos"), 10)


def test_every_photograph_is_shrunk_by_at_least_a_half_and_at_most_the_limit(folder: Path) -> None:
    for side in (32, 128):
        photos = load_photos(folder, side=side)
        assert len(photos) == 10
        for name, image in zip(photos.names, photos.images, strict=True):
            with Image.open(folder / name) as original:
                assert original.width / (image.shape[1] + 1) >= MIN_SHRINK - 0.02
                assert original.width / (image.shape[1] + 8) <= MAX_SHRINK
            assert min(image.shape[:2]) >= side
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous


def test_the_shrink_factors_differ_between_photographs(folder: Path) -> None:
    assert len({image.shape for image in load_photos(folder, side=32).images}) > 3


def test_photographs_are_cut_off_the_eight_pixel_grid(tmp_path: Path) -> None:
    # The left quarter is black. Where its edge lies after shrinking by f and cutting k columns,
    # width / 4 / f - k, tells k, for the columns left are width / f - k.
    pixels = np.full((400, 400, 3), 255, np.uint8)
    pixels[:, :100] = 0
    cuts = []
    for index in range(8):
        for turned in (False, True):
            picture = pixels.transpose(1, 0, 2) if turned else pixels
            Image.fromarray(picture).save(tmp_path / f"{index}-{turned}.png")
    photos = load_photos(tmp_path, side=128)
    for name, image in zip(photos.names, photos.images, strict=True):
        line = image[:, 50, 0] if "True" in name else image[50, :, 0]
        edge = (1 - line / 255).sum()
        cuts.append((0.25 * len(line) - edge) / 0.75)
    np.testing.assert_allclose(cuts, np.rint(cuts), atol=0.35)
    assert set(np.rint(cuts)) <= set(range(1, 8))
    assert len(set(np.rint(cuts))) > 3


def test_photographs_too_small_to_shrink_are_left_out(tmp_path: Path) -> None:
    least = int((128 + 8) * MIN_SHRINK)
    photograph(0, least, least).save(tmp_path / "just.png")
    photograph(1, least - 1, 400).save(tmp_path / "narrow.png")
    assert load_photos(tmp_path, side=128).names == ("just.png",)


def test_files_that_are_no_photographs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    photograph(0).save(tmp_path / "below" / "photo.JPG", quality=90)
    photograph(1).convert("L").save(tmp_path / "grey.png")
    (tmp_path / "notes.txt").write_text("not a photograph")
    (tmp_path / "LICENSE").write_text("nor this")
    photos = load_photos(tmp_path)
    assert photos.names == ("below/photo.JPG", "grey.png")
    assert all(image.shape[2] == 3 for image in photos.images)


def test_a_damaged_photograph_is_named(tmp_path: Path) -> None:
    write_photographs(tmp_path, 2)
    whole = (tmp_path / "photo0.png").read_bytes()
    for broken in (b"no image at all", whole[: len(whole) // 2], b""):
        (tmp_path / "broken.png").write_bytes(broken)
        with pytest.raises(ValueError, match=r"broken\.png"):
            load_photos(tmp_path)


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="204 px"):
        load_photos(tmp_path)


def test_loading_is_deterministic_and_the_seed_matters(folder: Path) -> None:
    first, second = load_photos(folder), load_photos(folder)
    assert first.digest == second.digest
    assert load_photos(folder, seed=1).digest != first.digest


def test_a_photograph_is_the_same_whatever_lies_beside_it(folder: Path, tmp_path: Path) -> None:
    photograph(3).save(tmp_path / "photo3.png")
    photos = load_photos(folder)
    alone = load_photos(tmp_path)
    np.testing.assert_array_equal(alone.images[0], photos.images[photos.names.index("photo3.png")])


def test_the_digest_sees_one_pixel_and_one_name(folder: Path, tmp_path: Path) -> None:
    digests = {load_photos(folder).digest}
    renamed, repainted = tmp_path / "renamed", tmp_path / "repainted"
    for copy in (renamed, repainted):
        shutil.copytree(folder, copy)
    (renamed / "photo3.png").rename(renamed / "other.png")
    with Image.open(repainted / "photo3.png") as image:
        image.load()
        image.putpixel((5, 5), (1, 2, 3))
        image.save(repainted / "photo3.png")
    digests |= {load_photos(renamed).digest, load_photos(repainted).digest}
    assert len(digests) == 3


def test_the_split_is_disjoint_complete_and_stable() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    names = tuple(f"{i}.jpg" for i in range(400))
    photos = Photos((image,) * 400, names, 8)
    kept, held = photos.split(0.1)
    assert set(kept.names).isdisjoint(held.names)
    assert set(kept.names) | set(held.names) == set(names)
    assert 20 <= len(held) <= 60
    fewer = Photos((image,) * 200, names[:200], 8)  # adding files never moves a file across
    assert set(fewer.split(0.1)[1].names) == set(held.names) & set(fewer.names)
    assert set(held.names) <= set(photos.split(0.2)[1].names)


def test_the_split_keeps_images_with_their_names(folder: Path) -> None:
    photos = load_photos(folder)
    for part in photos.split(0.5):
        for name, image in zip(part.names, part.images, strict=True):
            assert image is photos.images[photos.names.index(name)]


def test_crops_are_pieces_of_the_photographs(folder: Path) -> None:
    photos = load_photos(folder)
    crops = photos.crops(6, 16, np.random.default_rng(0))
    assert crops.shape == (6, 3, 16, 16)
    assert crops.dtype == np.uint8
    windows = np.concatenate(
        [
            np.lib.stride_tricks.sliding_window_view(image[:, :, 0], (16, 16)).reshape(-1, 256)
            for image in photos.images
        ]
    )
    for crop in crops:
        red = crop[0]
        found = (windows == red.reshape(-1)).all(1) | (windows == red[:, ::-1].reshape(-1)).all(1)
        assert found.any()


def test_crops_follow_the_generator(folder: Path) -> None:
    photos = load_photos(folder)
    draws = [photos.crops(4, 32, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_a_crop_larger_than_the_photographs_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="500 px"):
        load_photos(folder).crops(1, 500, np.random.default_rng(0))


def test_each_part_of_a_split_has_a_digest_of_its_own(folder: Path) -> None:
    photos = load_photos(folder)
    parts = photos.split(0.5)
    assert len({photos.digest, *(part.digest for part in parts)}) == 3
    assert [part.digest for part in load_photos(folder).split(0.5)] == [p.digest for p in parts]
