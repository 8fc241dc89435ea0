"""Commands in a shell: whose output may have no reader, and whose words may be anything."""

from __future__ import annotations

import os
import sys
from typing import Any

from typer.core import TyperGroup

from fingerprint_sdk.cli.shared.output import note
from fingerprint_sdk.text import visible

ERROR = 2
NO_READER = 141
"""What shells say of a program that ended since nobody read it, 128 + SIGPIPE."""


class Commands(TyperGroup):
    """A group of commands that ends quietly, with ``NO_READER``, when nobody reads its output.

    So it does with a standard output that was closed before it began.
    """

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command; see the class."""
        _open_standard_streams()
        try:
            try:
                return super().main(*arguments, **options)
            finally:
                sys.stdout.flush()
        except SystemExit as end:
            # Click and rich turn a broken pipe into an exit code 1.
            if not isinstance(end.__context__, BrokenPipeError):
                raise
            let_go()
            raise SystemExit(NO_READER) from None
        except BrokenPipeError:
            let_go()
            raise SystemExit(NO_READER) from None
        except OSError as error:
            let_go()
            note(f"error: {error}")
            raise SystemExit(ERROR) from None

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the words of the command line; complaints about them can be shown."""
        try:
            return super().make_context(*arguments, **options)
        except Exception as error:
            _make_visible(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Read the words of a subcommand, and run it."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            _make_visible(error)
            raise


def _make_visible(error: Exception) -> None:
    """Of Click's complaints about the command line, which quote what was typed."""
    message = getattr(error, "message", None)
    if hasattr(error, "exit_code") and isinstance(message, str):
        error.message = visible(message)  # type: ignore[attr-defined]


def _open_standard_streams() -> None:
    """A stream that was closed would have its number given to the next file that is opened."""
    if sys.stdin is None:
        _put(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = os.fdopen(0)
    if sys.stdout is None:
        reader, writer = os.pipe()
        os.close(reader)
        _put(writer, 1)
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        _put(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w")


def _put(number: int, place: int) -> None:
    if number != place:
        os.dup2(number, place)
        os.close(number)


def let_go() -> None:
    """Throw away what cannot be written, or Python complains of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        # Click puts a stream before them that keeps a broken pipe to itself.
        stream = getattr(stream, "wrapped", stream)
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
