"""What a report was made of: files and galleries, with their hashes."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fingerprint_sdk.declaration import Declaration
from fingerprint_sdk.explanation.declarations import declared_by, families_of
from fingerprint_sdk.gallery import Gallery, known
from fingerprint_sdk.gallery.builtin import known_path
from fingerprint_sdk.images.decode import describe

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor
    from fingerprint_sdk.images import ImageInput

_IN_MEMORY = "a gallery in memory"


@dataclass(frozen=True)
class ReportedFile:
    """An image as it was given.

    Attributes:
        name: the path, or what messages call the input.
        size: of the file in bytes; None of pixels without a file.
        sha256: of the file, in hexadecimal; None likewise.
    """

    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class SearchedGallery:
    """A gallery that was searched.

    Attributes:
        name: its path, or which one it is.
        sha256: of its file, in hexadecimal; None where there is none.
        families: how many answers it has.
        entries: how many entries.
        images: how many images they were made of.
    """

    name: str
    sha256: str | None
    families: int
    entries: int
    images: int


@dataclass
class Intake:
    """Images on their way to the model: what is hashed and read is what is measured.

    Attributes:
        keep: how many of the first images to keep.
        files: of each image taken so far.
        declarations: what each says of itself.
        kept: the first images.
    """

    keep: int
    files: list[ReportedFile] = field(default_factory=list)
    declarations: list[Declaration | None] = field(default_factory=list)
    kept: list[ImageInput] = field(default_factory=list)

    def take(self, images: Iterable[ImageInput]) -> Iterator[ImageInput]:
        """The same images, each read once."""
        for image in images:
            file, read = _read(image)
            self.files.append(file)
            self.declarations.append(declared_by(read))
            if len(self.kept) < self.keep:
                self.kept.append(read)
            yield read


class _Content(io.BytesIO):
    """What was read from a file, by the file's name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name

    def read(self, size: int | None = -1) -> bytes:
        """All of it, each time."""
        return self.getvalue()


def searched(
    gallery: Gallery | str | os.PathLike[str] | None, also_known: bool, model: Extractor
) -> tuple[Gallery, tuple[SearchedGallery, ...]]:
    """The gallery to search, and the ones that it was made of.

    Args:
        gallery: one, or the path of its file; None for the built-in one.
        also_known: the built-in one beside it.
        model: the extractor.

    Raises:
        GalleryError: one is missing, broken or of another model, or both have an entry of one
            name.
    """
    if gallery is None:
        built_in = known(model)
        return built_in, (_built_in(built_in, model),)
    if isinstance(gallery, Gallery):
        whole, own = gallery, _told(gallery, _IN_MEMORY, None)
        whole.check_model(model)
    else:
        whole = Gallery.load(gallery, model)
        own = _told(whole, os.fspath(gallery), _sha256(Path(gallery)))
    if not also_known:
        return whole, (own,)
    both, built_in = Gallery(model), known(model)
    both.merge(whole)
    both.merge(built_in)
    return both, (own, _built_in(built_in, model))


def _built_in(gallery: Gallery, model: Extractor) -> SearchedGallery:
    path = cast(Path, known_path(model))  # there is one: it was read
    name = f"the built-in gallery of {model.name} {model.version}"
    return _told(gallery, name, _sha256(path))


def _told(gallery: Gallery, name: str, sha256: str | None) -> SearchedGallery:
    images = sum(len(entry.embeddings) for _, entry in gallery.items())
    return SearchedGallery(name, sha256, len(families_of(gallery)), len(gallery), images)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(image: ImageInput) -> tuple[ReportedFile, ImageInput]:
    """An image's file, and the image as read; one that cannot be read as it is, to be refused."""
    name = describe(image)
    try:
        if isinstance(image, str | os.PathLike):
            name = os.fspath(image)
            if os.path.exists(image) and not os.path.isfile(image):
                return ReportedFile(name), image  # a pipe, say, which might never end
            content = Path(image).read_bytes()
        elif isinstance(image, bytes | bytearray | memoryview):
            content = bytes(image)
        elif hasattr(image, "read"):
            content = image.read()
        else:
            return ReportedFile(name), image
    except (OSError, ValueError):
        return ReportedFile(name), image
    if not isinstance(content, bytes):
        return ReportedFile(name), image
    file = ReportedFile(name, len(content), hashlib.sha256(content).hexdigest())
    return file, _Content(content, name)
