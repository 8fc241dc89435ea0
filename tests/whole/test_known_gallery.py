"""The built-in gallery: that of the model beside it, made of the files its manifest names."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from support.paths import ROOT, SHARED

import fingerprint_sdk as fp
from trainer.known import read_families, read_manifest

MANIFEST = read_manifest(ROOT / "zoo/known.csv")
FAMILIES = read_families(ROOT / "zoo/known.toml")
EXAMPLE = ROOT / "examples/beaver.webp"


@pytest.fixture(scope="module")
def known() -> fp.Gallery:
    return fp.known(fp.load(device="cpu", threads=1))


def test_it_belongs_to_the_model_beside_it(known: fp.Gallery) -> None:
    assert known.model == known.extractor.identity


def test_its_entries_are_the_sources_of_the_manifest(known: fp.Gallery) -> None:
    counts = Counter((row.family, row.source) for row in MANIFEST)
    assert len(known) == len(counts)
    for (key, source), count in counts.items():
        family = FAMILIES[key]
        entry = known[f"{family.family} / {source}"]
        assert len(entry.embeddings) == count
        assert not entry.lossy.any()
        assert entry.copies
        assert entry.provenance is not None
        assert entry.provenance.family == family.family
        assert entry.provenance.members == family.members
        assert entry.provenance.source == source
        assert sum(number for _, number in entry.provenance.formats) == count


def test_the_example_is_left_out_and_named(known: fp.Gallery) -> None:
    sha256 = hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    assert sha256 not in {row.sha256 for row in MANIFEST}
    row = known.extractor.embed(EXAMPLE)
    assert max(float((e.embeddings @ row).max()) for _, e in known.items()) < 0.99
    assert fp.identify(EXAMPLE).best == "FLUX.2 decoder"


def test_it_is_what_the_files_embed_to(known: fp.Gallery) -> None:
    """The first file of some sources; a new model without a new gallery fails here, too."""
    if not SHARED.is_dir():
        pytest.skip("the images are not in the repository")
    first = {(row.family, row.source): row for row in reversed(MANIFEST)}
    for (key, source), row in list(first.items())[::5]:
        entry = known[f"{FAMILIES[key].family} / {source}"]
        found = known.extractor.embed(SHARED / row.file)
        np.testing.assert_allclose(entry.embeddings[0], found, atol=1e-4)
