"""What is fuzzed: damaged input of each kind, and the public calls that it is given to.

A call may succeed, or raise an error of our tree. What a file that was taken holds must then be of
use: it is searched, written and read again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.mutate import damaged_bytes, damaged_json, damaged_text
from support.paths import ROOT
from support.tiny_model import (
    TINY_CALIBRATION,
    TINY_EMBEDDING_SIZE,
    TINY_METADATA,
    build_tiny_model,
    synthetic_image,
)

import fingerprint_sdk as fp
from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Cohort, no_cohort
from fingerprint_sdk.evidence.cohort import to_json as cohort_json
from fingerprint_sdk.verification import verify_embeddings
from fingerprint_sdk.zoo import resolve

_UNDAMAGED = 0.1  # share of the files, so that all calls are reached


@dataclass(frozen=True)
class Target:
    """A kind of input.

    Attributes:
        make: one damaged input.
        give: to the public calls; raises what they raise.
    """

    make: Callable[[random.Random], bytes]
    give: Callable[[bytes], None]


class Workshop:
    """Good files of each kind, in a folder of their own.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = build_tiny_model(folder / "model.onnx").read_bytes()
        self.extractor = fp.load(folder / "model.onnx", device="cpu", threads=1)
        self.images = [synthetic_image(s, i, 128, 128) for s in range(2) for i in range(2)]
        self.probe = self.extractor.embed(self.images)
        gallery = fp.Gallery(self.extractor)
        gallery.enroll("a", self.images[:2], notes="some")
        origin = fp.Provenance("family", ("b", "c"), "somebody", (("PNG", 2),), "since 2024-08")
        gallery.enroll("b", self.probe[2:], provenance=origin)
        gallery.save(folder / "good.fpg")
        index = fp.Index(self.extractor)
        index.add(self.images[:3], names=["x", "y", "z"])
        index.save(folder / "good.fpi")
        index.add(self.images[3:], names=["later"])
        index.save(folder / "good.fpi")
        golden = ROOT / "tests" / "golden"
        self.galleries = [
            (folder / "good.fpg").read_bytes(),
            (golden / "format-1.fpg").read_bytes(),
        ]
        self.indexes = [
            (folder / "good.fpi").read_bytes(),
            (golden / "format-1.fpi").read_bytes(),
            (golden / "format-1-half.fpi").read_bytes(),
        ]
        self.config = {
            "name": "tiny",
            "version": "0.0.1",
            "license": "Apache-2.0",
            "description": "For tests.",
            "window_size": 128,
            "embedding_size": TINY_EMBEDDING_SIZE,
            "recipe_hash": "0" * 16,
            "golden": [0.5, -0.25],
            "files": {"model.onnx": {"sha256": hashlib.sha256(b"x").hexdigest(), "size": 1}},
        }

    @functools.cached_property
    def targets(self) -> dict[str, Target]:
        """All of them, by name."""
        return {
            "gallery": Target(lambda rng: _file(rng.choice(self.galleries), rng), self._gallery),
            "index": Target(lambda rng: _file(rng.choice(self.indexes), rng), self._index),
            "onnx": Target(self._onnx_metadata, self._onnx),
            "config": Target(lambda rng: _encoded(damaged_text(self.config, rng)), self._config),
            "calibration": Target(
                lambda rng: _encoded(damaged_text(TINY_CALIBRATION, rng)), self._calibration
            ),
            "cohort": Target(
                lambda rng: _encoded(
                    damaged_text(json.loads(cohort_json(self.extractor.calibration.cohort)), rng)
                ),
                self._cohort,
            ),
        }

    def _gallery(self, content: bytes) -> None:
        path, again = self.folder / "fuzzed.fpg", self.folder / "again.fpg"
        path.write_bytes(content)
        gallery = fp.Gallery.load(path)
        gallery.save(again)
        assert fp.Gallery.load(again).names == gallery.names
        fp.Gallery.load(path, self.extractor).identify(self.probe[:1])

    def _index(self, content: bytes) -> None:
        path, again = self.folder / "fuzzed.fpi", self.folder / "again.fpi"
        path.write_bytes(content)
        index = fp.Index.load(path)
        index.save(again)
        assert fp.Index.load(again).names == index.names
        fp.Index.load(path, self.extractor).search(self.probe[:1])

    def _onnx_metadata(self, rng: random.Random) -> bytes:
        import onnx

        if rng.random() < 0.4:  # the metadata stand behind all else
            behind = self.model.index(b"recipe_hash") - 200
            return self.model[:behind] + damaged_bytes(self.model[behind:], rng)
        model = onnx.ModelProto.FromString(self.model)
        changed: dict[str, str] = {p.key: p.value for p in model.metadata_props}
        key = rng.choice([*TINY_METADATA, "constant", "cohort"])
        if rng.random() < 0.1:
            changed.pop(key, None)
        elif key in ("calibration", "cohort"):
            changed[key] = damaged_text(json.loads(changed[key]), rng)
        else:
            changed[key] = str(damaged_json(changed.get(key, "2.0"), rng))
        del model.metadata_props[:]
        for name, value in changed.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = name, value.encode("utf-8", "replace").decode()
        return model.SerializeToString()

    def _onnx(self, content: bytes) -> None:
        path = self.folder / "fuzzed.onnx"
        path.write_bytes(content)
        extractor = fp.Extractor.from_file(path, device="cpu", threads=1)
        extractor.verify(self.images[0], self.images[1:3]).to_json()

    def _config(self, content: bytes) -> None:
        folder = self.folder / "fuzzed"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_bytes(content)
        (folder / "model.onnx").write_bytes(b"x")
        resolve(folder)

    def _calibration(self, content: bytes) -> None:
        read = Calibration.from_json(
            content.decode("utf-8", "replace"), no_cohort(TINY_EMBEDDING_SIZE)
        )
        for images in (1, 3, 100):
            rows = np.repeat(self.probe[:1], images, axis=0)
            verify_embeddings(self.probe[:1], rows, read).to_json()
            verify_embeddings(self.probe[2:], rows, read).to_json()

    def _cohort(self, content: bytes) -> None:
        read = Cohort.from_json(content.decode("utf-8", "replace"), TINY_EMBEDDING_SIZE)
        calibration = Calibration.from_json(json.dumps(TINY_CALIBRATION), read)
        verify_embeddings(self.probe[:1], self.probe[1:], calibration).to_json()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _file(data: bytes, rng: random.Random) -> bytes:
    """A damaged safetensors file: its bytes, or with care what its header says."""
    if rng.random() < _UNDAMAGED:
        return data
    if rng.random() < 0.3:
        return damaged_bytes(data, rng)
    length = struct.unpack("<Q", data[:8])[0]
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    rest = bytearray(data[8 + length :])
    kind = rng.random()
    if kind < 0.4:
        header = damaged_json(header, rng)
    elif kind < 0.8:
        metadata = header["__metadata__"]
        key = rng.choice(list(metadata))
        if key == "entries":
            metadata[key] = damaged_text(json.loads(metadata[key]), rng)
        else:
            metadata[key] = damaged_json(metadata[key], rng)
    else:
        odd = np.float32(rng.choice((0, np.nan, np.inf, -np.inf, 1e38, 1e-45, 2))).tobytes()
        place = rng.randrange(len(rest) // 4) * 4
        rest[place : place + 4] = odd
    text = json.dumps(header).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(rest)
