"""A small part of the fuzzing; all of it: ``just fuzz``."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.run import fuzz
from fuzz.targets import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("name", ["gallery", "index", "onnx", "config", "calibration", "cohort"])
def test_damaged_input_raises_our_errors_only(name: str, workshop: Workshop) -> None:
    outcome = fuzz(name, workshop.targets[name], 150, 0)
    assert not outcome.wrong, "\n".join(map(str, outcome.wrong[:3]))
    assert outcome.refused > 20
    assert outcome.taken > 0  # or it would not get any further


def test_every_target_is_fuzzed(workshop: Workshop) -> None:
    marks = test_damaged_input_raises_our_errors_only.pytestmark
    assert set(marks[0].args[1]) == set(workshop.targets)


def test_a_foreign_error_is_told(workshop: Workshop, tmp_path: Path) -> None:
    from fuzz.targets import Target

    def broken(content: bytes) -> None:
        raise KeyError(content)

    outcome = fuzz("broken", Target(lambda rng: b"x", broken), 2, 0)
    assert [case for case, _ in outcome.wrong] == ["broken/0/0", "broken/0/1"]
