"""Kept results: known by what made them, computed once, whole or not there at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.experiments.cache import cache_key, kept_arrays, kept_json


def test_a_key_tells_what_made_a_result_and_not_how_it_was_written_down() -> None:
    made = {"model": "m", "files": [["a.png", 12]]}
    assert cache_key(made, 3) == cache_key({"files": [("a.png", 12)], "model": "m"}, 3)
    others = [cache_key(made, 4), cache_key(made), cache_key(3, made), cache_key({**made, "x": 1})]
    assert len({cache_key(made, 3), *others}) == 5
    assert len(cache_key()) == 16


def test_arrays_come_back_under_any_name(tmp_path: Path) -> None:
    arrays = {
        "file": np.arange(6, dtype=np.float16).reshape(2, 3),  # np.savez has an argument `file`
        "a/b <c>": np.array([], np.float32),
        "arr_0": np.array([7, 8]),
    }
    calls: list[None] = []

    def compute() -> dict[str, np.ndarray]:
        calls.append(None)
        return arrays

    path = tmp_path / "new" / "kept.npz"
    for _ in range(2):
        found = kept_arrays(path, compute)
        assert list(found) == list(arrays)
        for name, values in arrays.items():
            assert found[name].dtype == values.dtype
            np.testing.assert_array_equal(found[name], values)
    assert len(calls) == 1
    assert kept_arrays(tmp_path / "none.npz", dict) == {}


def test_plain_values_are_computed_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.json"
    assert kept_json(path, lambda: {"é": [1, None, 0.5]}) == {"é": [1, None, 0.5]}
    assert kept_json(path, lambda: pytest.fail("computed again")) == {"é": [1, None, 0.5]}


@pytest.mark.parametrize("kept", [kept_arrays, kept_json])
def test_nothing_is_left_of_a_computation_that_failed(kept: Any, tmp_path: Path) -> None:
    def fail() -> Any:
        raise KeyboardInterrupt

    path = tmp_path / "x"
    with pytest.raises(KeyboardInterrupt):
        kept(path, fail)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_value_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        kept_json(tmp_path / "x.json", object)
    assert list(tmp_path.iterdir()) == []
