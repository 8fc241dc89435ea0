"""Arguments of every wrong kind raise errors of our tree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fingerprint_sdk as fp

Images = dict[str, list[np.ndarray]]
Call = Callable[[Any, "Things"], object]

ODD = [None, "x", b"x", -1, 0, 1.5, float("nan"), float("inf"), 10**400, [], {}, object(), np.nan]


class Things:
    """What calls are made on."""

    def __init__(
        self,
        extractor: fp.Extractor,
        gallery: fp.Gallery,
        index: fp.Index,
        images: list[Any],
        path: Path,
    ) -> None:
        self.extractor, self.gallery, self.index = extractor, gallery, index
        self.images, self.path = images, path


CALLS: dict[str, Call] = {
    "embed": lambda odd, x: x.extractor.embed(odd),
    "embed each": lambda odd, x: x.extractor.embed([odd]),
    "batch_size": lambda odd, x: x.extractor.embed(x.images, batch_size=odd),
    "workers": lambda odd, x: x.extractor.embed(x.images, workers=odd),
    "embed_windows": lambda odd, x: x.extractor.embed_windows(odd),
    "verify": lambda odd, x: x.extractor.verify(odd, x.images),
    "fmr": lambda odd, x: x.extractor.verify(*x.images[:2], fmr=odd),
    "fnmr": lambda odd, x: x.extractor.verify(*x.images[:2], fnmr=odd),
    "prior": lambda odd, x: x.extractor.verify(*x.images[:2], prior=odd),
    "identify": lambda odd, x: x.gallery.identify(odd),
    "identify_many": lambda odd, x: list(x.gallery.identify_many(odd)),
    "fpir": lambda odd, x: x.gallery.identify(x.images[0], fpir=odd),
    "top": lambda odd, x: x.gallery.identify(x.images[0], top=odd),
    "enroll name": lambda odd, x: x.gallery.enroll(odd, x.images[0], copies=False),
    "enroll": lambda odd, x: x.gallery.enroll("new", odd, copies=False),
    "notes": lambda odd, x: fp.Gallery(x.extractor).enroll(
        "new", x.images[0], notes=odd, copies=False
    ),
    "search": lambda odd, x: x.index.search(odd),
    "search top": lambda odd, x: x.index.search(x.images[0], top=odd),
    "nearest": lambda odd, x: x.index.nearest(odd),
    "add": lambda odd, x: x.index.add(odd, on_error="raise"),
    "remove image": lambda odd, x: x.index.remove(odd),
    "load gallery": lambda odd, x: fp.Gallery.load(odd),
    "load index": lambda odd, x: fp.Index.load(odd),
    "load model": lambda odd, x: fp.load(odd),
    "device": lambda odd, x: fp.load(x.path, device=odd),
    "threads": lambda odd, x: fp.load(x.path, threads=odd),
    "windows": lambda odd, x: fp.load(x.path, windows=odd),
}


@pytest.mark.parametrize("name", CALLS)
def test_odd_arguments(
    name: str,
    extractor: fp.Extractor,
    gallery: fp.Gallery,
    index: fp.Index,
    sample_images: Images,
    tiny_model_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    things = Things(extractor, gallery, index, sample_images["source0"], tiny_model_path)
    foreign = []
    for odd in ODD:
        try:
            CALLS[name](odd, things)
        except fp.FingerprintError as error:
            if not str(error):
                foreign.append((odd, "no word"))
        except Exception as error:
            foreign.append((odd, repr(error)))
    assert not foreign
