"""Models kept out of training."""

from __future__ import annotations

import numpy as np

from trainer.extractor import held_out_models
from trainer.synthesis import ModelId, named_architectures, paper288


def test_held_out_architectures_are_never_trained_on() -> None:
    names = [ModelId("p", a.id, seed) for a in paper288() for seed in range(3)]
    names += [ModelId("q", a.id, 0) for a in named_architectures("extended:300")]
    held = held_out_models(names, 0.1)
    architectures = [name.architecture for name in names]
    kept = {a for a, h in zip(architectures, held, strict=True) if not h}
    out = {a for a, h in zip(architectures, held, strict=True) if h}
    assert kept.isdisjoint(out)  # all seeds of an architecture go the same way
    assert 0.06 < len(out) / len(kept | out) < 0.15


def test_held_out_architectures_are_the_same_in_every_pool() -> None:
    ids = [a.id for a in paper288()]
    one = held_out_models([ModelId("pool", i, 0) for i in ids], 0.1)
    other = held_out_models([ModelId("other", i, 7) for i in ids[::-1]], 0.1)[::-1]
    np.testing.assert_array_equal(one, other)
    more = held_out_models([ModelId("pool", i, 0) for i in ids], 0.3)
    assert (one <= more).all()
