"""How much memory average linkage takes, and how much there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from fingerprint_sdk.errors import FingerprintError

MAX_AGGLOMERATIVE = 20_000
"""Images that average linkage groups at most: it keeps the scores of all pairs."""

T = TypeVar("T")


def memory_needed(images: int) -> int:
    """Bytes of memory that "agglomerative" takes at its peak, beside the images' embeddings.

    8.5 for each pair of an image with an image: a table of all scores of two, in float64, the
    same again to work in, and a mask.
    """
    return 17 * images**2 // 2


def check_memory(images: int) -> None:
    """Raise FingerprintError if so many images are too many for average linkage."""
    advice = "use method 'hdbscan', or group fewer at a time"
    if images > MAX_AGGLOMERATIVE:
        raise FingerprintError(
            f"average linkage of {images} images would not fit in memory (limit "
            f"{MAX_AGGLOMERATIVE}): {advice}"
        )
    needed, free = memory_needed(images), _free_memory()
    if free is not None and needed > free:
        raise FingerprintError(
            f"average linkage of {images} images takes {needed / 1e9:.1f} GB of memory, of which "
            f"{free / 1e9:.1f} are free: {advice}"
        )


def within_memory(images: Iterable[T]) -> Iterable[T]:
    """``images``, checked at once if their number is known, and else as they pass."""
    if isinstance(images, list | tuple):
        check_memory(len(images))
    elif isinstance(images, Iterator):
        return _counted(images)
    return images


def _counted(images: Iterator[T]) -> Iterator[T]:
    for count, image in enumerate(images, 1):
        if count > MAX_AGGLOMERATIVE:
            check_memory(count)
        yield image


def _free_memory() -> int | None:
    """Bytes that this process may still take, as far as Linux says so; None if nobody does."""
    found = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        found.append(int(fields["MemAvailable"].split()[0]) * 1024)
        found.append(_left_to(Path("/sys/fs/cgroup")))
    except (OSError, LookupError, ValueError):
        pass
    return min(found, default=None)


def _left_to(group: Path) -> int:
    """Bytes that a container may still take: its limit less what it has, but for cached files.

    Raises:
        OSError, LookupError, ValueError: it has no limit, or nobody says so.
    """
    limit, used = (
        int((group / name).read_text()) for name in ("memory.max", "memory.current")
    )  # "max" without a limit
    told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return limit - used + int(told["inactive_file"])
