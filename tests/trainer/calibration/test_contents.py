"""What calibration looks at: collages of photographs, and reference images of both sorts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.photographs import write_photographs

from fingerprint_sdk.images.quality import counted_windows
from trainer.calibration import CalibrationRecipe, TypicalityRecipe, reference_windows
from trainer.calibration.contents import contents
from trainer.images.photos import Photos, load_photos
from trainer.synthesis import SynthesisRecipe, paper288, read_pool, synthesize


def test_a_collage_is_whole_photographs_side_by_side() -> None:
    flat = tuple(np.full((20, 20, 3), grey, np.uint8) for grey in range(0, 250, 10))
    photos = Photos(flat, tuple(map(str, range(len(flat)))), 20)
    images = contents(photos, CalibrationRecipe(images=5, side=16, collage=3))
    assert images.shape == (5, 3, 48, 48)
    tiles = images[:, :, ::16, ::16]
    np.testing.assert_array_equal(images, tiles.repeat(16, axis=2).repeat(16, axis=3))
    assert len(np.unique(tiles)) > 10


def test_every_second_reference_image_is_a_rendering_and_a_photograph(tmp_path: Path) -> None:
    """So that the signals that say what is typical are of both, as those that it is learned of."""
    folder = write_photographs(tmp_path / "photos", 5)
    recipe = SynthesisRecipe(steps=1, batch=2, side=16, solve_crops=2)
    synthesize(folder, tmp_path / "pool", (paper288(4)[2],), (0,), recipe)
    pools = [(tmp_path / "pool", entry) for entry in read_pool(tmp_path / "pool")]
    photos = load_photos(folder, side=144)
    wanted = CalibrationRecipe(side=144, typicality=TypicalityRecipe(images=4, windows=3))
    found = reference_windows(pools, photos, wanted)
    assert [windows.shape for windows in found] == [(3, 3, 128, 128)] * 8
    crops = photos.crops(8, 144, np.random.default_rng((wanted.typicality.seed, 2)))
    cut = {
        window.tobytes()
        for crop in crops
        for window in counted_windows(np.ascontiguousarray(crop.transpose(1, 2, 0)))
    }
    photographs = [all(window.tobytes() in cut for window in windows) for windows in found]
    for half in (photographs[::2], photographs[1::2]):
        assert half == [False, True, False, True]
