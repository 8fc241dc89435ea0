"""Outcomes of embedding many images: rows of embeddings, and the images left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.quality import Quality

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Failure:
    """An image that could not be used.

    Attributes:
        index: its place in the input.
        error: why; the message names the input.
    """

    index: int
    error: ImageError


@dataclass(frozen=True, eq=False)
class EmbeddingResult:
    """Outcome of embedding many images, of which some may have failed.

    Attributes:
        embeddings: float32, shape (m, D), one row for each image that could be used.
        indices: place in the input of each row, rising.
        quality: of each row's image.
        failures: the images left out.
    """

    embeddings: Embeddings
    indices: tuple[int, ...]
    quality: tuple[Quality, ...]
    failures: tuple[Failure, ...]


def as_json(values: Mapping[str, Any]) -> str:
    """What a result's ``to_json`` gives: its ``to_dict``, indented."""
    return json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False)
