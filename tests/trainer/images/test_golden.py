"""Crops and tilted JPEG tables as they were when the shipped model was made."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.photographs import photograph

from trainer.images.photos import Photos
from trainer.images.random_operations import Processing, jpeg


def test_crops_are_cut_and_enlarged_as_before() -> None:
    photos = Photos((np.asarray(photograph(0, 300, 280)),), ("a",), 128)
    crops = photos.crops(5, 96, np.random.default_rng(3), enlarged=0.6)
    # Decoders and resizers of another version differ by less than a tenth of a grey level.
    means, deviations = crops.mean((1, 2, 3)), crops.std((1, 2, 3))
    np.testing.assert_allclose(means, [121.32, 115.09, 145.85, 102.04, 148.37], atol=0.1)
    np.testing.assert_allclose(deviations, [52.04, 68.88, 37.26, 78.19, 42.19], atol=0.1)


def test_tilted_tables_are_drawn_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[dict[int, list[int]]] = []
    save = Image.Image.save

    def watched(self: Image.Image, buffer: io.BytesIO, *args: object, **options: object) -> None:
        save(self, buffer, *args, **options)
        with Image.open(buffer) as written:
            tables.append(written.quantization)

    monkeypatch.setattr(Image.Image, "save", watched)
    picture = np.asarray(photograph(0, 64, 64))
    jpeg(picture, np.random.default_rng(1), Processing(tilted=1.0, jpeg=(80, 80)))
    luma, chroma = (table for _, table in sorted(tables[0].items()))
    assert (list(luma)[:6], sum(luma)) == ([5, 3, 3, 5, 8, 13], 1316)
    assert (list(chroma)[:6], sum(chroma)) == ([6, 4, 4, 6, 9, 16], 1421)
