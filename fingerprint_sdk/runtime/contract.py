"""What an ONNX file must be to serve as an extractor: inputs, outputs and metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.images import WINDOW_SIZE

_LARGEST = 10
"""Beyond it, rounding would eat what is left of the embedding."""
_METADATA = ("name", "version", "license", "window_size", "embedding_size", "calibration")


@dataclass(frozen=True)
class ModelIdentity:
    """The model that embeddings are by; ``sha256``, of its file in hex, decides."""

    name: str
    version: str
    sha256: str
    embedding_size: int


def check_contract(session: Any, name: str) -> tuple[dict[str, str], int, float]:
    """Check inputs, outputs and metadata of a model.

    A model may have a second output, "deviation", see ``images.quality.Quality``.

    Returns the metadata, the size of a window's embedding, and the model's constant (see
    ``embedding.image_embedding``), 0 where it has none.

    Raises:
        ModelError: it is not one of our models; ``name`` is for the message.
    """
    try:
        metadata = dict(session.get_modelmeta().custom_metadata_map)
        inputs = {i.name: (i.type, i.shape[1:]) for i in session.get_inputs()}
        outputs = {o.name: (o.type, o.shape[1:]) for o in session.get_outputs()}
    except (UnicodeDecodeError, TypeError, ValueError) as error:
        raise ModelError(f"{name} is damaged: its metadata are no texts ({error})") from error
    missing = [key for key in _METADATA if key not in metadata]
    if missing:
        raise ModelError(f"{name} lacks the metadata {missing}: it is not one of our models")
    size = metadata["embedding_size"]
    kind, columns = outputs.get("embedding", ("", []))
    fits = (
        size.isdecimal()
        and len(size) < 10
        and int(size) > 0
        and inputs == {"windows": ("tensor(uint8)", [3, WINDOW_SIZE, WINDOW_SIZE])}
        and metadata["window_size"] == str(WINDOW_SIZE)
        and kind == "tensor(float)"
        # Exporters may leave the size symbolic, a string; each run checks the real one.
        and (columns == [int(size)] or [type(c) for c in columns] == [str])
        and next(iter(outputs)) == "embedding"
        and list(outputs.values())[1:] in ([], [("tensor(float)", [1])])
        and set(outputs) <= {"embedding", "deviation"}
    )
    if not fits:
        raise ModelError(
            f"{name} does not map windows (uint8, N x 3 x {WINDOW_SIZE} x {WINDOW_SIZE}) to "
            f"embedding (float32, N x {size}): it is not one of our models, or it needs another "
            "version of this package"
        )
    return metadata, int(size), _constant(metadata.get("constant", "0"), name)


def _constant(text: str, name: str) -> float:
    try:
        constant = float(text)
    except ValueError:
        constant = -1.0
    if not 0 <= constant <= _LARGEST:
        raise ModelError(f"{name} has the constant {text!r}, not a number from 0 to {_LARGEST}")
    return constant
