"""What image files say of themselves, for people: apart from the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fingerprint_sdk.cli.shared.output import print_pairs, say

if TYPE_CHECKING:
    from fingerprint_sdk.declaration import Agreement, Declaration


def print_declaration(
    path: Path | None,
    declaration: Declaration | None,
    agreement: Agreement | None,
    show_prompts: bool,
) -> None:
    """Print a block for a file that says anything of itself, nothing for another one.

    Args:
        path: to be named, where there are several; None for one alone.
        declaration: of the file.
        agreement: how it fits the answer, if there is one.
        show_prompts: also prompts, comments and names.
    """
    from fingerprint_sdk.explanation.declarations import CAUTION, DECLARES, declaration_lines

    if not declaration:
        return
    lines = declaration_lines(declaration, agreement, show_prompts)
    if declaration.withheld and not show_prompts:
        lines = [
            (name, f"{value}: --show-prompts shows them" if name == "withheld" else value)
            for name, value in lines
        ]
    print()
    if path is None:
        say(DECLARES)
    else:
        print_pairs([(DECLARES, path)])
    print_pairs(lines)
    say(CAUTION)
