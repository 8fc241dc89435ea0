"""``fingerprint index``: many single images, to be searched for those like a probe."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.heap import heap
from fingerprint_sdk.cli.shared.model import describe, open_extractor
from fingerprint_sdk.cli.shared.output import note, print_json, progress
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
    known.remove([*changed, *gone])
    todo = [path for path in paths if path not in known]
    failures = _add(known, todo, out, on_error, must_save=bool(changed or gone))
    if json:
        document: dict[str, Any] = {
            "model": describe(extractor),
            "index": str(out),
            "images": len(known),
            "added": len(todo) - len(failures),
            "unchanged": len(present) - len(changed),
            "gone": gone,
            "passed_over": [str(path) for path in found.passed_over],
            "skipped": [{"path": path, "error": error} for path, error in failures],
        }
        print_json(document)
        return
    unchanged = len(present) - len(changed)
    print(f"{len(todo) - len(failures)} added, {unchanged} unchanged, {len(gone)} gone")
    print(f"{len(known)} images in {out}" + (f", {len(failures)} skipped" if failures else ""))


def _open(out: Path, extractor: Extractor, half: bool) -> Index:
    from fingerprint_sdk.index import Index

    if out.exists():
        known = Index.load(out, extractor)
        if half and not known.half:
            raise GalleryError(f"{str(out)!r} has full-size values: make a new index for --half")
        return known
    if not out.parent.is_dir():
        raise GalleryError(f"cannot make {str(out)!r}: its folder does not exist")
    return Index(extractor, half=half)


def _gone(known: Index, given: Sequence[Path]) -> list[str]:
    """Images of the index that lay in the folders given, and no longer do."""
    folders = [os.path.join(os.path.abspath(path), "") for path in given if path.is_dir()]
    return [
        name
        for name in known.names
        if any(name.startswith(folder) for folder in folders) and not os.path.lexists(name)
    ]


def _add(
    known: Index, todo: Sequence[str], out: Path, on_error: options.OnError, *, must_save: bool
) -> list[tuple[str, str]]:
    """Add the files and save now and then; those left out, with the reason."""
    left_out: list[tuple[str, str]] = []
    saved = len(known)
    must_save = must_save or not out.exists()
    try:
        with progress(len(todo), "indexing") as moved:
            for start in range(0, len(todo), _CHUNK):
                chunk = todo[start : start + _CHUNK]
                failures: Sequence[Failure] = known.add(chunk, on_error=on_error.value)
                for failure in failures:
                    note(f"skipped: {failure.error}")
                    left_out.append((chunk[failure.index], str(failure.error)))
                if moved is not None:
                    moved(start + len(chunk))
                if len(known) - saved >= _SAVED_AFTER:
                    known.save(out)
                    saved = len(known)
    finally:
        if must_save or len(known) != saved:
            known.save(out)
    return left_out
