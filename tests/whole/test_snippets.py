"""README and docs show what really happens: their Python runs, their commands print what they say.

The blocks of a page run in their order, in one folder that has `examples/` in it. In the output a
page shows, `…` stands for anything, so that pages need not change with the model. A block that
cannot run here has a comment before it that says why: `<!-- not run: needs the network -->`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.paths import INSTALLED, ROOT
from typer.main import get_command
from typer.testing import CliRunner

import fingerprint_sdk.cli
import trainer.cli

PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))]
APPS = {"fingerprint": fingerprint_sdk.cli.app, "trainer": trainer.cli.app}
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n+)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHELL = """
fingerprint() { "$PYTHON" -m fingerprint_sdk "$@"; }
trainer() { "$PYTHON" -m trainer.cli "$@"; }
python() { "$PYTHON" "$@"; }
"""


@dataclass(frozen=True)
class Block:
    """One fenced block; `reason` says why it is not run, and is empty when it is."""

    language: str
    text: str
    line: int
    reason: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """(command, output shown) of every `$ …` in a console block."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.replace("\\\n", " ").partition("\n")
            yield command, output.strip()


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text()
    assert not re.search(r"^[ \t]+```", text, re.MULTILINE), "indented blocks would not be run"
    found = []
    for match in FENCE.finditer(text):
        line = text[: match.start("text")].count("\n")
        language, code = match["language"], match["text"]
        found.append(Block(language, code, line, (match["reason"] or "").strip()))
    return found


def run(command: str, folder: Path) -> str:
    """stdout of a command; only `verify` may end with 1 or 3, its verdicts but "same"."""
    in_process = not re.search(r"[|&;<>$*]", command)
    name, *arguments = shlex.split(command) if in_process else [""]
    environment = {"COLUMNS": "100", "HF_HUB_OFFLINE": "1"}
    if name == "fingerprint":  # much quicker, and the same program
        result = CliRunner().invoke(APPS[name], arguments, env=environment)
        code, printed, complaint = result.exit_code, result.stdout, result.stderr
    else:
        done = subprocess.run(
            ["bash", "-c", SHELL + command],
            cwd=folder,
            env=os.environ
            | environment
            | {"PYTHON": sys.executable, "PYTHONPATH": f"{INSTALLED}{os.pathsep}{ROOT}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        code, printed, complaint = done.returncode, done.stdout, done.stderr
    allowed = (0, 1, 3) if command.startswith("fingerprint verify ") else (0,)
    assert code in allowed, f"{command}\n{printed}\n{complaint}"
    return printed


def words(text: str) -> str:
    """Words, with numbers at two digits: the last ones differ between processors."""
    rounded = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m.group()):.2f}", text)
    return " ".join(rounded.split())


def assert_shown(printed: str, shown: str, command: str) -> None:
    pattern = ".*".join(re.escape(part) for part in words(shown).split("…"))
    assert re.fullmatch(pattern, words(printed)), (
        f"{command}\nprinted:\n{printed}\nshown:\n{shown}"
    )


def assert_known(command: str) -> None:
    """A command that is not run must at least exist, with its options."""
    name, *rest = shlex.split(command, comments=True)
    if name not in APPS:
        return
    found: Any = get_command(APPS[name])
    while hasattr(found, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in found.commands, f"{command}: no command {rest[0]!r}"
        found = found.commands[rest.pop(0)]
    known = {"--help"} | {o for p in found.params for o in (*p.opts, *p.secondary_opts)}
    unknown = [word for word in rest if word.startswith("-") and word not in known]
    assert not unknown, f"{command}: no such options: {unknown}"


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "snippets"}
    for block in blocks(page):
        if block.language == "python" and not block.text.startswith("--8<-- "):
            code = compile("\n" * block.line + block.text, page, "exec")
            if not block.reason:
                exec(code, names)
        elif block.language == "console":
            assert block.text.startswith("$ "), f"{page}:{block.line + 1}"
            for command, shown in block.commands():
                if block.reason:
                    assert_known(command)
                elif printed := run(command, tmp_path):
                    assert_shown(printed, shown or "…", command)
                else:
                    assert not shown, f"{command} printed nothing"


def test_enough_is_run() -> None:
    run_blocks = [b for page in PAGES for b in blocks(page) if not b.reason]
    assert sum(b.language == "python" for b in run_blocks) >= 12
    assert sum(b.language == "console" for b in run_blocks) >= 12


def test_every_block_names_its_language() -> None:
    for page in PAGES:
        for block in blocks(page):
            where = f"{page}:{block.line}"
            assert block.language in ("python", "console", "json", "text"), where
            assert block.language != "text" or not block.text.startswith(("$", "import")), where


@pytest.mark.parametrize("command", ["trainer syntesize", "fingerprint verify --frm 0.1 a b"])
def test_a_command_that_does_not_exist_is_noticed(command: str) -> None:
    with pytest.raises(AssertionError, match="no "):
        assert_known(command)
