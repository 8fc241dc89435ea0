"""One kind of program to kill, and a child of this process that runs it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Steps = Sequence[Callable[[], None]]


@dataclass(frozen=True)
class Trial:
    """A program of several steps, each of which is done when it returns.

    Attributes:
        start: puts a folder into the state before the first step.
        steps: what the program does in that folder, one after another.
        check: raises AssertionError unless all that the first ``done`` steps made is there, and
            what lies in the folder opens, whatever became of the next.
        write: writes to the folder once more, and at its end all is done.
        is_left_over: whether no file of that name may be there after that.
    """

    start: Callable[[Path], None]
    steps: Callable[[Path], Steps]
    check: Callable[[Path, int], None]
    write: Callable[[Path], None]
    is_left_over: Callable[[str], bool]


@dataclass
class Count:
    """How many runs were killed, and how many of those before their last step was done."""

    kills: int = 0
    before_the_end: int = 0


def kill_at_random(trial: Trial, folder: Path, times: int, seed: int) -> Count:
    """Run the program and kill it, so many times. Raises AssertionError at the first loss."""
    draw = random.Random(seed)
    count = Count()
    trial.start(folder)
    seconds = 0.0
    for _ in range(2):  # the first is slower, since nothing is in memory
        trial.start(folder)
        begun = time.monotonic()
        done, status = _run(trial.steps(folder), None)
        seconds = time.monotonic() - begun
        assert status == 0, f"it fails by itself, after {done} steps"
        trial.check(folder, done)
    last = done
    while count.kills < times:
        trial.start(folder)
        done, status = _run(trial.steps(folder), draw.uniform(0, seconds))
        if status == 0:  # it was done before
            continue
        assert status == -signal.SIGKILL, f"it failed with {status}, after {done} steps"
        count.kills += 1
        if count.kills % 25 == 0:
            print(f"{count.kills} kills so far", file=sys.stderr, flush=True)
        count.before_the_end += done < last
        trial.check(folder, done)
        trial.write(folder)
        over = [path for path in folder.rglob("*") if path.is_file()]
        over = [path for path in over if trial.is_left_over(path.name)]
        assert not over, f"left over: {over}"
    return count


def _run(steps: Steps, seconds: float | None) -> tuple[int, int]:
    """How many steps a child says were done, and how it ended; killed after some seconds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(steps, writer)
    os.close(writer)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as said:
        done = len(said.read())
    _, status = os.waitpid(child, 0)
    _wait_for_workers(child)
    return done, os.waitstatus_to_exitcode(status)


def apart(step: Callable[[], None]) -> None:
    """Run something in a child, which has what it imports and opens for itself."""
    _, status = _run([step], None)
    assert status == 0, "it failed, and said why above"


def _wait_for_workers(group: int) -> None:
    """Those of a killed program end by themselves, but not at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while True:
            os.killpg(group, 0)
            time.sleep(0.01)


def _be_the_child(steps: Steps, writer: int) -> None:
    """Never returns: what the parent has to do at its end is not the child's."""
    code = 1
    try:
        os.setsid()  # a group of its own, for workers
        nowhere, complaints = os.open(os.devnull, os.O_RDWR), os.dup(2)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        for step in steps:
            step()
            os.write(writer, b".")
        code = 0
    except BaseException:
        os.write(complaints, traceback.format_exc().encode())
    finally:
        os._exit(code)
