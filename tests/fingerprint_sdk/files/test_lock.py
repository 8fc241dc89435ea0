"""One writer at a time, in whatever thread or process, and nobody is locked out by the dead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fingerprint_sdk.files import claimed, locked, write_bytes

HOLDER = """
import sys
from fingerprint_sdk.files import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
CLAIMER = """
import sys
from fingerprint_sdk.files import claimed
with claimed(sys.argv[1]) as ours:
    print(ours)
"""
COUNTER = """
import sys
from pathlib import Path
from fingerprint_sdk.files import locked, write_text
path = Path(sys.argv[1])
for _ in range(50):
    with locked(path):
        write_text(path, str(int(path.read_text()) + 1))
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock of a file until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = tmp_path / "a.fpg"
    with holder(path) as process:
        with (
            pytest.raises(TimeoutError, match=r"somebody else .* after 0\.1 s"),
            locked(path, 0.1),
        ):
            raise AssertionError("both hold it")
        threading.Timer(0.3, process.stdin.close).start()
        with locked(path):
            assert process.wait() == 0


def test_a_folder_may_be_opened_to_others_while_the_lock_is_held(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o700)
    with locked(folder / "a.fpg"):
        folder.chmod(0o777)
        with locked(folder / "a.fpg"):
            pass


def test_a_killed_holder_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "a.fpg"
    with holder(path) as process:
        process.kill()
        process.wait()
        with locked(path, 0.1):
            pass


def test_threads_lock_each_other_out_but_not_themselves(tmp_path: Path) -> None:
    path = tmp_path / "a.fpg"
    refused: list[bool] = []

    def ask() -> None:
        try:
            with locked(path, 0.1):
                refused.append(False)
        except TimeoutError:
            refused.append(True)

    with locked(path):
        for held_again in (False, True):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            assert refused.pop()
            if not held_again:
                with locked(path, 0.1):  # and is not let go at the end of this
                    pass
    ask()
    assert refused == [False]


def test_all_names_of_a_file_have_one_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.fpg"
    path.touch()
    (tmp_path / "link").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    with holder(path):
        for name in ("a.fpg", "link", f"../{tmp_path.name}/a.fpg"):
            with pytest.raises(TimeoutError), locked(name, 0.05):
                raise AssertionError(f"{name} has another lock")


def test_processes_that_count_in_one_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "count"
    write_bytes(path, b"0")
    words = [sys.executable, "-c", COUNTER, str(path)]
    processes = [subprocess.Popen(words) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert path.read_text() == "150"
    assert {one.name for one in tmp_path.iterdir()} == {"count", ".count.lock"}


@pytest.mark.parametrize("name", ["missing/a", "file/below", "folder", "pipe", "a\0b", "\ud800"])
def test_what_cannot_be_written_has_no_lock(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match=r".") as failure, locked(tmp_path / name):
        raise AssertionError("it has a lock")
    assert failure.value.strerror
    assert sorted(tmp_path.iterdir()) == before


def test_any_name_the_folder_can_hold_has_a_lock_of_its_own(tmp_path: Path) -> None:
    with locked(tmp_path / ("x" * 255)), locked(tmp_path / ("x" * 254), 0.1):
        assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o775, 0o777])
def test_whoever_may_write_into_the_folder_may_take_the_lock(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    with locked(folder / "a"):
        assert (folder / ".a.lock").stat().st_mode & 0o777 == mode & 0o666


def test_a_claim_is_ours_until_another_holds_it_or_the_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with holder(path) as process:
        with claimed(path) as ours:
            assert not ours
        process.kill()  # and frees its claim
        process.wait()
        with claimed(path) as ours:
            assert ours
            refused = subprocess.run(
                [sys.executable, "-c", CLAIMER, str(path)], capture_output=True, check=True
            )
            assert refused.stdout.strip() == b"False"
            write_bytes(path, b"made")
        with claimed(path) as ours:
            assert not ours


def test_a_file_made_while_its_claim_was_asked_for_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "model"
    made: list[int] = []

    def make() -> None:
        with claimed(path) as ours:
            if ours:
                made.append(1)
                write_bytes(path, b"made")

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
