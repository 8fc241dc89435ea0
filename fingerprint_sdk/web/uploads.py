"""What people upload to the web page: checked, and named as they named it."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fingerprint_sdk.errors import FingerprintError, GalleryError, ImageError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery import Gallery

MAX_FILES = 100
"""Images taken at once; the command line has no such limit."""

_FILES_KEPT = 2 * MAX_FILES


_REMOVE = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"


@contextmanager
def upload_folder() -> Iterator[Path]:
    """An empty folder that goes at the end, or when this process ends in whatever way.

    Another process waits for that: one that is killed can do nothing itself.
    """
    with tempfile.TemporaryDirectory(prefix="fingerprint-", ignore_cleanup_errors=True) as folder:
        remover = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _REMOVE, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C is for its parent
        )
        try:
            yield Path(folder)
        finally:
            remover.communicate()


class Upload(io.BytesIO):
    """A file of the visitor's, a binary file object to ``images.load_image``.

    It takes no memory until it is read, and has the name the visitor knows, not the server's path.

    Attributes:
        path: on the server.
        name: for the visitor.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.name = path.name

    def read(self, size: int | None = -1) -> bytes:
        """The whole file, each time."""
        return self.getvalue()

    def getvalue(self) -> bytes:
        """The whole file."""
        return self.path.read_bytes()


@contextmanager
def named(images: Sequence[Upload]) -> Iterator[None]:
    """Errors of images that were given by their paths have the visitor's names in them."""
    try:
        yield
    except ImageError as error:
        message = str(error)
        for image in images:
            message = message.replace(repr(str(image.path)), repr(image.name))
        raise ImageError(message) from error


@dataclass(frozen=True)
class UploadLimit:
    """How large an upload may be.

    Attributes:
        megabytes: of one file, more than 0.
    """

    megabytes: float = 32.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.megabytes) and self.megabytes > 0):
            raise FingerprintError(
                f"the upload limit must be more than 0 megabytes, not {self.megabytes}"
            )

    @property
    def bytes(self) -> int:
        """The limit in bytes; a megabyte is 2**20 of them, as in Gradio's own messages."""
        return max(1, round(self.megabytes * 2**20))

    @property
    def total(self) -> int:
        """Bytes of all uploads that are kept at one time."""
        return _FILES_KEPT * self.bytes

    def images(self, paths: Sequence[str] | None, what: str) -> list[Upload]:
        """The uploaded images, not yet read.

        Args:
            paths: of the uploads; None or none at all when nothing was chosen.
            what: the upload's label, for messages.

        Raises:
            ImageError: there are none, too many, or one is too large.
        """
        if not paths:
            raise ImageError(f"no images were given for “{what}”: choose at least one")
        if len(paths) > MAX_FILES:
            raise ImageError(
                f"“{what}” has {len(paths)} images, more than {MAX_FILES}: leave some out"
            )
        return [self._image(path) for path in paths]

    def gallery(self, path: str, extractor: Extractor) -> Gallery:
        """The uploaded gallery.

        Raises:
            GalleryError: it is too large, broken, or of another model.
        """
        name = Path(path).name
        try:
            self._check(path, name)
            return Gallery.load(path, extractor)
        except ImageError as error:
            raise GalleryError(str(error)) from error
        except GalleryError as error:  # the server's path means nothing to the person
            raise GalleryError(str(error).replace(path, name)) from error

    def _image(self, path: str) -> Upload:
        name = Path(path).name
        self._check(path, name)
        return Upload(Path(path))

    def _check(self, path: str, name: str) -> None:
        try:
            size = Path(path).stat().st_size
        except OSError as error:
            raise ImageError(
                f"the upload {name!r} is no longer here: choose the file again"
            ) from error
        if size > self.bytes:
            raise ImageError(
                f"{name!r} has {size / 2**20:.1f} MB, more than the {self.megabytes:g} MB this "
                "page takes: give a smaller file, or use the command line"
            )
