"""``fingerprint gallery add``: import a folder that holds a folder of images per generator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import images_in, subfolders, tell_passed_over
from fingerprint_sdk.cli.shared.model import describe, open_extractor, open_gallery, usable
from fingerprint_sdk.cli.shared.output import note, print_json, progress
from fingerprint_sdk.errors import GalleryError

# What an import leaves in an entry's notes, by which a second run knows the same files again.
_MARK, _COPIES = "files ", " and copies"


def add(
    gallery: options.GalleryArgument,
    folder: Annotated[
        Path, typer.Argument(help="Holds one folder per generator, named like it, of its images.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Enroll anew the names whose files have changed.")
    ] = False,
    copies: options.Copies = True,
    recursive: options.Recursive = False,
    on_error: options.Skip = options.OnError.skip,
    model: options.Model = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    windows: options.Windows = None,
    json: options.Json = False,
) -> None:
    """Enroll a whole folder, one generator per folder in it.

    The gallery is made if there is none, and saved after each generator.

    Cut short, run it again: names already enrolled from the same files are skipped.

    [bold]Examples[/bold]

      fingerprint gallery add known.fpg generators/
    """
    found = {path.name: images_in(path, recursive) for path in subfolders(folder)}
    passed_over = [path for one in found.values() for path in one.passed_over]
    tell_passed_over(passed_over)
    generators = {name: one.images for name, one in found.items()}
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    known = open_gallery(gallery, extractor, create=True)
    marks = {name: _MARK + _digest(paths) + _COPIES * copies for name, paths in generators.items()}
    present = [name for name in generators if name in known]
    same = [name for name in present if marks[name] in known[name].notes]
    changed = [name for name in present if name not in same]
    if changed and not replace:
        raise GalleryError(
            f"{str(gallery)!r} has {', '.join(map(repr, changed))} from other files: add "
            "--replace to enroll them anew, or remove or rename them"
        )
    added: dict[str, int] = {}
    left_out: list[dict[str, Any]] = []
    todo = [name for name in generators if name not in same]
    total = sum(len(generators[name]) for name in todo)
    before = 0
    with progress(total, "enrolling") as moved:
        for name in todo:
            paths, failed = usable(generators[name], on_error)
            if name in changed:
                known.remove(name)
            known.enroll(name, _watched(paths, moved, before), notes=marks[name], copies=copies)
            known.save(gallery)
            added[name] = len(paths)
            left_out += failed
            before += len(generators[name])
    if json:
        document = {
            "model": describe(extractor),
            "gallery": str(gallery),
            "added": added,
            "unchanged": same,
            "passed_over": [str(path) for path in passed_over],
            "skipped": left_out,
        }
        print_json(document)
        return
    for name, count in added.items():
        print(f"{name}: {count} images enrolled")
    if same:
        note(f"{len(same)} already enrolled from the same files: skipped")
    print(f"{len(known)} {'entry' if len(known) == 1 else 'entries'} in {gallery}")


def _watched(
    paths: Iterable[Path], moved: Callable[[int], None] | None, before: int
) -> Iterator[Path]:
    """``paths``, telling ``moved`` how many have been taken, ``before`` included."""
    for count, path in enumerate(paths, before + 1):
        yield path
        if moved is not None:
            moved(count)


def _digest(paths: Sequence[Path]) -> str:
    """First half of the SHA-256 of the names and contents of ``paths``."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{content}  {path.name}\n".encode(errors="surrogateescape"))
    return total.hexdigest()[:32]
