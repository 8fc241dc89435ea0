"""What of the documentation is written at build time, as a hook of mkdocs.yml.

Pages that so never go stale: the reference of both commands, from their typer applications, and
the cards of the bundled models, which hold every figure of quality. And formulas, as MathML, which
browsers draw without a script or a font from elsewhere.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from fingerprint_sdk import zoo

ROOT = Path(__file__).parent.parent
COMMANDS = {"fingerprint": "fingerprint_sdk.cli", "trainer": "trainer.cli"}
# What pymdownx.arithmatex makes of `$…$` and of `$$…$$`.
FORMULA = re.compile(r'class="arithmatex">\\(?:\((.+?)\\\)|\[(.+?)\\\])<', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, module in COMMANDS.items():
        page = command_reference(name, module)
        files.append(File.generated(config, f"reference/{name}.md", content=page))
    files.append(File.generated(config, "models.md", content=model_cards()))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return FORMULA.sub(lambda found: _mathml(found, page.file.src_uri), html)


def _mathml(found: re.Match[str], page: str) -> str:
    inline, alone = found.groups()
    tex = unescape(inline or alone).strip()
    mathml = convert(tex, display="block" if alone else "inline")
    if "\\" in mathml:  # a command that is not known is left as it stands
        raise PluginError(f"{page}: cannot draw the formula {tex}")
    return f'class="arithmatex">{mathml}<'


def command_reference(name: str, module: str) -> str:
    """What typer itself writes about an application, with its examples set as code."""
    page = subprocess.run(
        [sys.executable, "-m", "typer", module, "utils", "docs", "--name", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return re.sub(rf"^  ({name} .*)$", r"    $ \1", page, flags=re.MULTILINE)


def model_cards() -> str:
    """The cards of the models in `zoo/`, the default one first."""
    names = sorted(
        (model.name for model in zoo.list_models()), key=lambda n: (n != zoo.DEFAULT_MODEL, n)
    )
    cards = [(ROOT / "zoo" / name / "README.md").read_text() for name in names]
    # Without the Hub's front matter, and a level lower.
    bodies = [re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL) for card in cards]
    lower = [re.sub(r"^(#+) ", r"#\1 ", body, flags=re.MULTILINE) for body in bodies]
    intro = (
        f"# Models\n\nThe default is `{names[0]}`. `fingerprint info` shows what is installed.\n\n"
    )
    return intro + "\n".join(lower)
