"""What an image file says of itself, which anybody may have written there."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

from fingerprint_sdk.declaration.c2pa import Credentials, c2pa_statements
from fingerprint_sdk.declaration.containers import Part, Source, parts_of
from fingerprint_sdk.declaration.exif import exif_statements
from fingerprint_sdk.declaration.generation import generation_statements
from fingerprint_sdk.declaration.iptc import iptc_statements
from fingerprint_sdk.declaration.statement import Statement, statement
from fingerprint_sdk.declaration.validation import validated
from fingerprint_sdk.declaration.xmp import xmp_statements
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.results import as_json

_MAX_STATEMENTS = 500


@dataclass(frozen=True)
class Declaration:
    """What an image file says of itself.

    It can be forged, and it is lost when a file is saved again; no score depends on it.

    Attributes:
        format: "PNG", "JPEG", "WEBP" or "AVIF"; None for others, which are not looked into.
        statements: what it says, each once, in the order of the file.
        c2pa: its content credentials, if it has any.
        notes: what could not be read, and why.
    """

    format: str | None
    statements: tuple[Statement, ...] = ()
    c2pa: Credentials | None = None
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.statements or self.c2pa)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of the prompts, free texts and names of people that it says, each once."""
        private = (one for one in self.statements if one.private)
        return tuple(dict.fromkeys(f"{one.source} {one.name}" for one in private))

    def shown(self, private: bool = False) -> tuple[Statement, ...]:
        """The statements, with ``private`` also prompts, free texts and names of people."""
        return tuple(one for one in self.statements if private or not one.private)

    def to_dict(self, private: bool = False) -> dict[str, Any]:
        """Plain values, ready for JSON; see docs/json.md.

        Args:
            private: with prompts, free texts and names of people, whose fields are else only
                named, under "withheld".
        """
        return {
            "format": self.format,
            "c2pa": None if self.c2pa is None else self.c2pa.to_dict(),
            "statements": [one.to_dict() for one in self.shown(private)],
            "withheld": [] if private else list(self.withheld),
            "notes": list(self.notes),
        }

    def to_json(self, private: bool = False) -> str:
        """``to_dict`` as text."""
        return as_json(self.to_dict(private))


def declared(
    image: str | os.PathLike[str] | bytes | bytearray | memoryview,
) -> Declaration:
    """Read what an image file says of itself: C2PA, EXIF, XMP, IPTC, and texts of generators.

    No pixel is decoded, nothing is fetched, and of the file no more than 24 MiB are kept at a
    time. Signatures of C2PA are validated where the extra ``c2pa`` is installed.

    Args:
        image: path or content of a PNG, JPEG, WebP or AVIF file; of others nothing is read.

    Raises:
        ImageError: the file cannot be opened, or this is neither a path nor bytes.
    """
    with _opened(image) as file:
        source = Source(file, file.seek(0, os.SEEK_END))
        format, parts = parts_of(source)
        found: dict[Statement, None] = {}
        credentials = None
        for part in parts:
            if part.kind == "c2pa":
                statements, manifest, problem = c2pa_statements(part.data)
                credentials = credentials or Credentials(manifest)
                credentials = replace(credentials, manifest=credentials.manifest or manifest)
            else:
                statements, problem = _read(part)
            if problem:
                source.note(problem)
            found.update(dict.fromkeys(statements))
        if credentials is not None and format is not None:
            credentials = validated(credentials, format, file)
    return Declaration(format, tuple(found)[:_MAX_STATEMENTS], credentials, source.notes)


def _read(part: Part) -> tuple[list[Statement], str]:
    if part.kind == "exif":
        return exif_statements(part.data)
    if part.kind == "xmp":
        return xmp_statements(part.data)
    if part.kind == "iptc":
        return iptc_statements(part.data), ""
    text = part.data.decode("utf-8", "replace")
    if part.kind == "text":
        return generation_statements(part.name, text), ""
    # The comment of a JPEG file, in which some programs keep the same as in a text.
    found = generation_statements("parameters", text) if "Steps: " in text else []
    return found or statement("JPEG", "comment", text, "prompt"), ""


@contextmanager
def _opened(image: Any) -> Iterator[IO[bytes]]:
    if isinstance(image, bytes | bytearray | memoryview):
        yield io.BytesIO(image)
        return
    if not isinstance(image, str | os.PathLike):
        raise ImageError(f"cannot read a file from {type(image).__name__}: give a path or bytes")
    name = repr(os.fspath(image))
    try:
        if os.path.exists(image) and not os.path.isfile(image):
            raise ImageError(f"{name} is not a regular file")
        with open(image, "rb") as file:
            yield file
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist: check the path") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot read {name}: {error}") from error
