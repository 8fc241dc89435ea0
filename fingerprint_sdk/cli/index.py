"""``fingerprint index``: many single images, to be searched for those like a probe."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import check_new
from fingerprint_sdk.cli.shared.heap import heap
from fingerprint_sdk.cli.shared.model import describe, open_extractor
from fingerprint_sdk.cli.shared.output import note, print_json, progress, say
from fingerprint_sdk.errors import GalleryError

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor, Failure
    from fingerprint_sdk.index import Index

_CHUNK = 256
_SAVED_AFTER = 1000  # images, of which some minutes' work would be lost; saving takes much less


def index(
    images: Annotated[
        list[Path], typer.Argument(help="Folders, searched in depth, and image files.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The index file (.fpi).")],
    half: Annotated[
        bool, typer.Option("--half", help="Make a new index half the size, with float16 values.")
    ] = False,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Index many images, to find those like a probe with [bold]fingerprint search[/bold].

    Run again, it embeds only new and changed files, and drops those gone from the folders.

    The index is saved on the way: cut short, the next run goes on from there.

    [bold]Examples[/bold]

      fingerprint index archive/ --out archive.fpi
    """
    from fingerprint_sdk.index import file_stamp

    # The whole path, so that a later run from another folder knows the files again.
    found = heap(images)
    paths = [os.path.abspath(path) for path in found.images]
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    known = _open(out, extractor, half)
    present = [path for path in paths if path in known]
    changed = [path for path in present if known.stamp(path) != file_stamp(path)]
    gone = _gone(known, images)
    stale = {name: known.stamp(name) for name in (*changed, *gone)}
    todo = [path for path in paths if path not in known or path in stale]
    growing = _Growing(out, extractor, known, stale)
    failures = _add(growing, todo, on_error)
    if json:
        document: dict[str, Any] = {
            "model": describe(extractor),
            "index": str(out),
            "images": growing.images,
            "added": len(todo) - len(failures),
            "unchanged": len(present) - len(changed),
            "gone": gone,
            "passed_over": [str(path) for path in found.passed_over],
            "skipped": [{"path": path, "error": error} for path, error in failures],
        }
        print_json(document)
        return
    unchanged = len(present) - len(changed)
    say(f"{len(todo) - len(failures)} added, {unchanged} unchanged, {len(gone)} gone")
    say(f"{growing.images} images in {out}" + (f", {len(failures)} skipped" if failures else ""))


def _open(out: Path, extractor: Extractor, half: bool) -> Index:
    from fingerprint_sdk.index import Index

    check_new(out)
    if os.path.exists(out):
        known = Index.load(out, extractor)
        if half and not known.half:
            raise GalleryError(f"{str(out)!r} has full-size values: make a new index for --half")
        return known
    return Index(extractor, half=half)


def _gone(known: Index, given: Sequence[Path]) -> list[str]:
    """Images of the index that lay in the folders given, and no longer do."""
    folders = [os.path.join(os.path.abspath(path), "") for path in given if path.is_dir()]
    return [
        name
        for name in known.names
        if any(name.startswith(folder) for folder in folders) and not os.path.lexists(name)
    ]


class _Growing:
    """New images on their way into an index file, which others may change meanwhile.

    Args:
        out: the file.
        extractor: its model.
        known: what is in it.
        stale: images to be taken out, with the stamps that they had: another one is not stale.
    """

    def __init__(
        self, out: Path, extractor: Extractor, known: Index, stale: Mapping[str, tuple[int, int]]
    ) -> None:
        self._out, self._extractor, self._half, self._stale = out, extractor, known.half, stale
        self.new, self.images = self._none(), len(known)

    def save(self) -> None:
        """Put the new images into the file, and take out the stale ones."""
        from fingerprint_sdk.index import Index

        with Index.changing(self._out, self._extractor, create=True, half=self._half) as known:
            here = (name for name in self._stale if name in known)
            known.remove([name for name in here if known.stamp(name) == self._stale[name]])
            known.merge(self.new, on_duplicate="keep")  # somebody else may have added the same
        self.images = len(known)
        self.new, self._stale = self._none(), {}

    def _none(self) -> Index:
        from fingerprint_sdk.index import Index

        return Index(self._extractor, half=self._half)


def _add(
    growing: _Growing, todo: Sequence[str], on_error: options.OnError
) -> list[tuple[str, str]]:
    """Add the files and save now and then, and at the end; those left out, with the reason."""
    left_out: list[tuple[str, str]] = []
    try:
        with progress(len(todo), "indexing") as moved:
            for start in range(0, len(todo), _CHUNK):
                chunk = todo[start : start + _CHUNK]
                failures: Sequence[Failure] = growing.new.add(chunk, on_error=on_error.value)
                for failure in failures:
                    note(f"skipped: {failure.error}")
                    left_out.append((chunk[failure.index], str(failure.error)))
                if moved is not None:
                    moved(start + len(chunk))
                if len(growing.new) >= _SAVED_AFTER:
                    growing.save()
    finally:
        growing.save()
    return left_out
