"""Gallery and index files that earlier versions wrote open as they did, and grow."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.indexes import plain_rows
from support.paths import ROOT

import fingerprint_sdk as fp

GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What the version that wrote the files found in them."""
    found: dict[str, Any] = json.loads((GOLDEN / "format-1.json").read_text())
    return found


@pytest.fixture(scope="module")
def probe(expected: dict[str, Any]) -> np.ndarray:
    return np.array([expected["probe"]], np.float32)


@pytest.mark.parametrize("name", ["format-1.fpi", "format-1-half.fpi"])
def test_an_old_index(
    expected: dict[str, Any], probe: np.ndarray, tmp_path: Path, name: str
) -> None:
    path = shutil.copy(GOLDEN / name, tmp_path / name)
    index = fp.Index.load(path)
    assert index.model.sha256 == expected["sha256"]
    assert index.half == ("half" in name)
    assert [os.fsencode(image).hex() for image in index.names] == expected[name]["names"]
    assert [list(index.stamp(image)) for image in index.names] == expected[name]["stamps"]
    places, scores = index.nearest(probe, 5)
    assert places[0].tolist() == expected[name]["places"]
    np.testing.assert_allclose(scores[0], expected[name]["scores"], rtol=0, atol=1e-7)

    old = path.read_bytes()
    index._extend(plain_rows(0, 2, half=index.half))
    index.save(path)
    assert path.read_bytes()[: len(old)] == old
    grown = fp.Index.load(path)
    assert grown.names == (*index.names[:-2], "image0", "image1")
    assert grown.stamp(grown.names[0]) == tuple(expected[name]["stamps"][0])
    grown.remove(["image0", "image1"])
    grown.save(path)
    np.testing.assert_array_equal(fp.Index.load(path).nearest(probe, 5)[1], scores)


def test_an_old_gallery(expected: dict[str, Any], probe: np.ndarray, tmp_path: Path) -> None:
    gallery = fp.Gallery.load(GOLDEN / "format-1.fpg")
    wanted = expected["format-1.fpg"]
    assert gallery.model.sha256 == expected["sha256"]
    assert list(gallery.names) == wanted["names"]
    assert [gallery[name].notes for name in gallery.names] == wanted["notes"]
    kinds = {None: None, "jpeg": "jpeg 90 4:2:0", "shrunk": "scale 0.7"}
    for name, score, _, copy in wanted["candidates"]:  # the best of an entry's fingerprints
        entry = gallery[name]
        cosines = entry.fingerprints @ probe[0]
        assert cosines.max() == pytest.approx(score, abs=1e-6)
        assert [None, *entry.copies][int(cosines.argmax())] == kinds[copy]
        assert not entry.windows.any()
    gallery.save(tmp_path / "now.fpg")
    again = fp.Gallery.load(tmp_path / "now.fpg")
    for name, entry in gallery.items():
        np.testing.assert_array_equal(again[name].fingerprints, entry.fingerprints)
        assert {k: c.count for k, c in again[name].copies.items()} == {
            k: c.count for k, c in entry.copies.items()
        }
