"""What gallery and index files have in common: embeddings of one model, as safetensors.

The metadata name the format and the model, with the SHA-256 of its file, since embeddings of two
models cannot be compared.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import save

from fingerprint_sdk.embedding import float_rows
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.files import LOCK_SECONDS, delivering, locked, named, writing
from fingerprint_sdk.files.parts import LARGEST_HEADER, read_parts
from fingerprint_sdk.runtime.contract import ModelIdentity

Embeddings = npt.NDArray[np.float32]
Tensors = dict[str, npt.NDArray[Any]]
_CHECKED = 4096  # rows at once: 10 MB of 641 numbers


@dataclass(frozen=True)
class Format:
    """A kind of file: what messages call it, and its name and version in the metadata.

    Files of ``older`` versions are read too.
    """

    kind: str
    name: str
    version: str
    older: tuple[str, ...] = ()


def check_same_model(
    mine: ModelIdentity | None, other: ModelIdentity, *, kind: str, remedy: str
) -> None:
    """Raise GalleryError if embeddings of ``other`` cannot join those of ``mine``."""
    if mine is not None and mine.sha256 != other.sha256:
        raise GalleryError(
            f"the {kind} holds embeddings of model {mine.name} {mine.version} (sha256 "
            f"{mine.sha256[:12]}), not of {other.name} {other.version} "
            f"({other.sha256[:12]}): use that model, or {remedy} the images again with this one"
        )


def check_embeddings(embeddings: npt.NDArray[Any], size: int, what: str) -> None:
    """Raise GalleryError unless all rows are finite, L2-normalised and of length ``size``.

    It looks at some rows after another, so that it takes no memory worth mentioning.
    """
    if embeddings.ndim != 2 or embeddings.shape[1] != size:
        raise GalleryError(f"{what} must have shape (n, {size}), not {embeddings.shape}")
    exact = np.promote_types(embeddings.dtype, np.float32)
    for start in range(0, len(embeddings), _CHECKED):
        rows = embeddings[start : start + _CHECKED].astype(exact, copy=False)
        # Values that are not finite fail this comparison too.
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.linalg.norm(rows, axis=1)
        if not (np.abs(norms - 1) < 1e-3).all():
            raise GalleryError(f"{what} are not finite and L2-normalised")


def probe_rows(probes: npt.ArrayLike) -> Embeddings:
    """Probes' embeddings as float32, (n, D). Raises FingerprintError for anything else."""
    rows = float_rows(probes)
    if np.ndim(probes) != 2:
        raise GalleryError(f"probe embeddings must have shape (n, D), not {np.shape(probes)}")
    return rows


def encode_tensors(
    form: Format, identity: ModelIdentity, tensors: Tensors, more: Mapping[str, str]
) -> bytes:
    """The content of a file, with ``more`` metadata.

    Raises:
        GalleryError: the metadata are too long for anybody to read the file again.
    """
    too_long = GalleryError(
        f"the {form.kind}'s names and notes are longer than the {LARGEST_HEADER} bytes that a "
        "file has for them: shorten the notes"
    )
    try:
        content = save(tensors, metadata_of(form, identity) | dict(more))
    except SafetensorError as error:
        raise too_long from error
    # Earlier versions of the library write what they do not read.
    if int.from_bytes(content[:8], "little") > LARGEST_HEADER:
        raise too_long
    return content


def metadata_of(form: Format, identity: ModelIdentity) -> dict[str, str]:
    """The metadata that every file has."""
    return {
        "format": form.name,
        "format_version": form.version,
        "model_name": identity.name,
        "model_version": identity.version,
        "model_sha256": identity.sha256,
        "embedding_size": str(identity.embedding_size),
    }


def check_metadata(path: Path, form: Format, metadata: Mapping[str, str]) -> ModelIdentity:
    """The model of a file; to be called within ``reading``.

    Raises:
        GalleryError: it is a file of another kind, or of a later version.
    """
    name = repr(str(path))
    if metadata.get("format") != form.name:
        raise GalleryError(f"{name} is a safetensors file, but not {_a(form)}")
    if metadata.get("format_version") not in (form.version, *form.older):
        raise GalleryError(
            f"{name} is {_a(form)} of format {metadata.get('format_version')!r}, this "
            f"package reads {' and '.join((*form.older, form.version))}: update fingerprint-sdk"
        )
    return ModelIdentity(
        metadata["model_name"],
        metadata["model_version"],
        metadata["model_sha256"],
        int(metadata["embedding_size"]),
    )


def path_of(path: str | os.PathLike[str]) -> Path:
    """A path; GalleryError if it is none."""
    try:
        return Path(path)
    except TypeError as error:
        raise GalleryError(f"give the path of a file, not {path!r}") from error


@contextmanager
def reading(path: Path, form: Format) -> Iterator[None]:
    """Turn what goes wrong in reading ``path`` into a GalleryError that names it."""
    name = repr(str(path))
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise GalleryError(f"there is no {form.kind} file {name}: check the path") from error
    except OSError as error:
        raise GalleryError(f"cannot read {name}: {error.strerror}") from error
    if not stat.S_ISREG(mode):  # to open a pipe would wait for somebody to write
        raise GalleryError(f"{name} is not {_a(form)}: it is no regular file, check the path")
    try:
        yield
    except (OSError, RecursionError, LookupError, ValueError, TypeError) as error:
        raise GalleryError(f"{name} is not {_a(form)}, or it is damaged: {error}") from error
    except MemoryError as error:
        raise GalleryError(f"{name} does not fit in memory") from error


def tensors_in(
    file: BinaryIO, path: Path, form: Format, names: Sequence[str], *, optional: Sequence[str] = ()
) -> tuple[ModelIdentity, dict[str, str], Tensors]:
    """Model, metadata and the tensors of these names; to be called within ``reading``.

    Of those of ``optional`` names, such as are there. The tensors are views of the file, so that
    they can be checked before they take memory; they should not be kept.

    Args:
        file: open, or in memory; ``path`` in messages.
    """
    parts, end, _ = read_parts(file)
    if len(parts) != 1 or end != file.seek(0, os.SEEK_END):
        raise ValueError("something follows its tensors")
    metadata, found = parts[0].metadata, parts[0].tensors
    identity = check_metadata(path, form, metadata)
    wanted = [*names, *(key for key in optional if key in found)]
    return identity, metadata, {key: found[key] for key in wanted}


def deliver(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a result, into a file, whole or not at all, or into a pipe.

    Raises:
        GalleryError: it cannot be written; an older file is left as it was.
    """
    with writing(path, GalleryError), delivering(path) as file:
        file.write(content)


@contextmanager
def held(path: str | os.PathLike[str], timeout: float = LOCK_SECONDS) -> Iterator[None]:
    """Keep all others from changing the file, see ``files.locked``; GalleryError if they do."""
    with ExitStack() as stack:
        with writing(path, GalleryError):  # and not what else goes wrong meanwhile
            stack.enter_context(locked(path, timeout))
        yield


def changed_meanwhile(path: str | os.PathLike[str], kind: str) -> GalleryError:
    """Why a file is not replaced by what was read from an earlier state of it."""
    return GalleryError(
        f"{named(path)} was changed by somebody else since it was opened, and was left as it is: "
        f"open the {kind} again and make your changes within {kind.capitalize()}.changing, or "
        "save it under another name"
    )


def _a(form: Format) -> str:
    return f"an {form.kind}" if form.kind[0] in "aeiou" else f"a {form.kind}"
