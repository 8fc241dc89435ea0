"""Use the extractor in a program on asyncio: its work goes to threads, some at a time.

    python examples/async_service.py examples/images/wren/*.png

``embed`` and ``verify`` take tens of milliseconds of all cores, in which an event loop must not
stand still. More of them at once than cores only wait for each other, so a semaphore lets few in.
"""

from __future__ import annotations

import asyncio
import sys

import fingerprint_sdk as fp

AT_ONCE = 2
"""Comparisons that run side by side; an extractor may be shared by threads."""


async def verify(
    extractor: fp.Extractor, room: asyncio.Semaphore, a: str, b: str
) -> fp.Verification | fp.ImageError:
    """The comparison of two images; an unusable one gives its error instead."""
    async with room:
        try:
            return await asyncio.to_thread(extractor.verify, a, b)
        except fp.ImageError as error:
            return error


async def main(paths: list[str]) -> None:
    """Compare the first image with all others, while the loop goes on."""
    extractor = await asyncio.to_thread(fp.load)
    room = asyncio.Semaphore(AT_ONCE)
    first, *others = paths
    found = await asyncio.gather(*(verify(extractor, room, first, other) for other in others))
    for path, answer in zip(others, found, strict=True):
        said = answer if isinstance(answer, fp.ImageError) else answer.words
        print(f"{path}: {said}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
