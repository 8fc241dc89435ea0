"""Whatever takes the extractor's place in a gallery or an index is of the model stored there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import fingerprint_sdk as fp
from fingerprint_sdk import _default
from fingerprint_sdk.model_slot import ModelSlot
from fingerprint_sdk.runtime.contract import ModelIdentity


@pytest.fixture
def other(other_model_path: Path) -> fp.Extractor:
    return fp.load(other_model_path, device="cpu", threads=1)


def slot(extractor: fp.Extractor | None = None, stored: ModelIdentity | None = None) -> ModelSlot:
    return ModelSlot(extractor, stored, kind="shelf", remedy="file")


def test_the_identity_of_an_extractor_names_its_model(extractor: fp.Extractor) -> None:
    identity = extractor.identity
    assert (identity.name, identity.version) == ("tiny", "0.0.1")
    assert identity.sha256 == extractor.model_sha256
    assert identity.embedding_size == extractor.embedding_size == 16
    assert extractor.metadata["recipe_hash"]
    with pytest.raises(TypeError):
        extractor.metadata["name"] = "another"


def test_the_extractor_given_is_used(extractor: fp.Extractor, other: fp.Extractor) -> None:
    full = slot(extractor)
    assert full.extractor() is extractor
    assert full.identity == extractor.identity
    full.check(extractor.identity)
    words = r"^the shelf holds .* tiny 0\.0\.1 .*: use that model, or file the images again"
    with pytest.raises(fp.GalleryError, match=words):
        full.check(other.identity)
    with pytest.raises(fp.GalleryError, match=words):
        full.join(other.identity)
    with pytest.raises(fp.GalleryError, match=words):
        slot(other, extractor.identity)


def test_without_one_the_default_is_loaded_at_first_use_and_checked(
    extractor: fp.Extractor, other: fp.Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load() -> fp.Extractor:
        loaded.append(extractor)
        return extractor

    monkeypatch.setattr(_default, "_default", None)
    monkeypatch.setattr(_default, "load", load)
    empty, same, foreign = slot(), slot(None, extractor.identity), slot(None, other.identity)
    assert (empty.identity, same.identity) == (None, extractor.identity)
    assert not loaded
    assert empty.extractor() is same.extractor() is extractor
    assert empty.identity == extractor.identity
    with pytest.raises(fp.GalleryError, match="the shelf holds"):
        foreign.extractor()
    assert foreign.identity == other.identity
    assert len(loaded) == 1


def test_an_empty_place_joins_the_first_model_it_meets(
    extractor: fp.Extractor, other: fp.Extractor
) -> None:
    empty = slot()
    empty.join(other.identity)
    assert empty.identity == other.identity
    with pytest.raises(fp.GalleryError):
        empty.join(extractor.identity)
    assert empty.identity == other.identity


def test_threads_that_come_at_once_get_one_extractor(
    extractor: fp.Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_default, "_default", extractor)
    empty, found, gate = slot(), [], threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        found.append(empty.extractor())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [extractor] * 8
