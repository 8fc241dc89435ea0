"""Shards of a list: all of it once, whatever their number."""

from __future__ import annotations

import pytest

from trainer.shard import WHOLE, Shard


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_the_shards_of_a_list_hold_all_of_it_once(count: int) -> None:
    things = [f"model {i}" for i in range(11)]
    shards = [Shard(number, count).take(things) for number in range(count)]
    assert sorted(thing for shard in shards for thing in shard) == sorted(things)
    sizes = [len(shard) for shard in shards]
    assert max(sizes) - min(sizes) <= 1
    assert WHOLE.take(things) == tuple(things)


def test_a_shard_reads_back() -> None:
    assert Shard.parse("3/8") == Shard(3, 8)
    assert Shard.parse(str(Shard(7, 8))) == Shard(7, 8)


@pytest.mark.parametrize("text", ["8/8", "1", "", "a/8", "-1/8", "1/0", "0/0", "1/2/3", "1.5/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"the first (of|is)"):
        Shard.parse(text)
