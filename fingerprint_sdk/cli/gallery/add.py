"""``fingerprint gallery add``: import a folder that holds a folder of images per generator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.files import Found, images_in, subfolders, tell_passed_over
from fingerprint_sdk.cli.shared.model import describe, open_extractor, open_gallery, usable
from fingerprint_sdk.cli.shared.output import note, print_json, progress, say
from fingerprint_sdk.errors import GalleryError

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery

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

    The gallery is made if there is none, and saved after each generator: what is then told to be
    enrolled is in the file, whoever else adds to it meanwhile.

    Cut short, run it again: names already enrolled from the same files are skipped.

    [bold]Examples[/bold]

      fingerprint gallery add known.fpg generators/
    """
    from fingerprint_sdk.gallery import Gallery

    found = _generators(folder, recursive)
    passed_over = [path for one in found.values() for path in one.passed_over]
    tell_passed_over(passed_over)
    generators = {name: one.images for name, one in found.items()}
    extractor = open_extractor(model, revision, device, offline, threads, windows)
    known = open_gallery(gallery, extractor, create=True)
    marks = {name: _MARK + _digest(paths) + _COPIES * copies for name, paths in generators.items()}
    same = [name for name in generators if _has(known, name, marks)]
    _check_changed(known, gallery, marks, replace)
    added: dict[str, int] = {}
    left_out: list[dict[str, Any]] = []
    todo = [name for name in generators if name not in same]
    total = sum(len(generators[name]) for name in todo)
    before = 0
    with progress(total, "enrolling") as moved:
        for name in todo:
            paths, failed = usable(generators[name], on_error)
            new = Gallery(extractor)
            new.enroll(name, _watched(paths, moved, before), notes=marks[name], copies=copies)
            # Others may have changed the gallery while these were embedded.
            with Gallery.changing(gallery, extractor, create=True) as known:
                if _has(known, name, marks):
                    same.append(name)
                else:
                    _check_changed(known, gallery, {name: marks[name]}, replace)
                    if name in known:
                        known.remove(name)
                    known.merge(new)
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
        say(f"{name}: {count} images enrolled")
    if same:
        note(f"{len(same)} already enrolled from the same files: skipped")
    say(f"{len(known)} {'entry' if len(known) == 1 else 'entries'} in {gallery}")


def _generators(folder: Path, recursive: bool) -> dict[str, Found]:
    """The images of each generator, by the name of its entry."""
    from fingerprint_sdk.gallery.entry import entry_name

    found: dict[str, Found] = {}
    for path in subfolders(folder):
        name = entry_name(path.name)
        here, before = images_in(path, recursive), found.get(name, Found([], []))
        found[name] = Found(before.images + here.images, before.passed_over + here.passed_over)
    return found


def _has(known: Gallery, name: str, marks: Mapping[str, str]) -> bool:
    """Whether the gallery has an entry from the same files."""
    return name in known and marks[name] in known[name].notes


def _check_changed(known: Gallery, path: Path, marks: Mapping[str, str], replace: bool) -> None:
    """Raise GalleryError if entries from other files would be replaced, unless they may be."""
    changed = [name for name in marks if name in known and not _has(known, name, marks)]
    if changed and not replace:
        raise GalleryError(
            f"{str(path)!r} has {', '.join(map(repr, changed))} from other files: add "
            "--replace to enroll them anew, or remove or rename them"
        )


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
