"""`trainer extractor` refuses options that would do nothing for its recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from trainer.cli import app


@pytest.mark.parametrize(
    ("recipe", "option", "value"),
    [
        ("compact", "--steps", "5"),
        ("compact", "--device", "cpu"),
        ("compact", "--width", "16"),
        ("compact", "--batch-models", "16"),
        ("compact", "--learning-rate", "0.001"),
        ("paper", "--variants", "2"),
        ("paper", "--photographs", "100"),
    ],
)
def test_an_option_without_effect_is_refused(
    recipe: str, option: str, value: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    given = ["extractor", "--pool", str(tmp_path), "--photos", str(tmp_path), "--out", str(out)]
    result = CliRunner().invoke(app, [*given, "--recipe", recipe, option, value])
    assert result.exit_code == 2
    assert f"{option} does nothing for --recipe {recipe}" in result.output.replace("\n", "")
    assert not out.exists()
