import numpy as np
import pytest
import torch
from torch import Tensor

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.engine.pages import PagedCache
from zamba2_vl.engine.pool import PagePool
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.image import ImageProcessor
from zamba2_vl.ops.rotary import rotary_write
from zamba2_vl.text.paged import PAGE, PagedState


def picture(seed: int) -> Prefix:
    """A picture of 90 visual tokens: a page and a part."""
    pixels = np.random.default_rng(seed).integers(0, 256, (28 * 9, 28 * 10), dtype=np.uint8)
    return Prefix([6] * 90, [ImageProcessor()(pixels)])


def cache_of(config: Zamba2VLConfig, tokens: int | None) -> PagedCache:
    return PagedCache(config.text, torch.device("cpu"), torch.float32, tokens)


def write(state: PagedState, tokens: int, value: float) -> None:
    """Let one row hold tokens that are all `value`."""
    positions = state.span(tokens, None).positions
    full = torch.full((1, tokens, *state.keys[0].shape[2:]), value)
    for keys, values in zip(state.keys, state.values, strict=True):
        rotary_write(full, full, -full, positions, None, keys, values, state.table)
    state.conv.fill_(value)
    state.ssm.fill_(value)
    state.advance(tokens, None)


def held(state: PagedState) -> set[float]:
    """The values of all that one row holds."""
    tokens, (table,) = int(state.filled), state.table
    assert tokens == int(state.places)
    parts: list[Tensor] = [state.conv, state.ssm]
    for keys, values in zip(state.keys, state.values, strict=True):
        parts += [keys[table].flatten(0, 1)[:tokens], -values[table].flatten(0, 1)[:tokens]]
    return {value for part in parts for value in part.unique().tolist()}


def row(cache: PagedCache, index: int) -> PagedState:
    return cache.first(cache.rows).rows(slice(index, index + 1))


def test_pages_lie_in_a_row_where_they_can() -> None:
    pool = PagePool()
    pool.grow(11)
    assert pool.free == 10
    first, second, third = (pool.take(count) for count in (3, 2, 4))
    assert (first, second, third) == ([1, 2, 3], [4, 5], [6, 7, 8, 9])
    pool.give_back([4, 5])
    assert pool.take(1) == [4]
    assert pool.take(3) is None
    pool.give_back([1, 2, 3])
    assert pool.take(3) == [1, 2, 3]
    assert pool.take(2) == [5, 10]
    assert pool.free == 0


def test_a_shared_page_is_free_when_nobody_is_left() -> None:
    pool = PagePool()
    pool.grow(2)
    assert pool.take(1) == [1]
    pool.share([1])
    pool.give_back([1])
    assert pool.take(1) is None
    pool.give_back([1])
    assert pool.take(1) == [1]


def test_growing_keeps_what_is_there(config: Zamba2VLConfig) -> None:
    cache = cache_of(config, None)
    cache.grow(1, [100])
    generation = cache.generation
    state = cache.open(0, 100)
    assert state is not None
    write(state, 90, 3.0)
    cache.grow(1, [38])
    assert cache.generation == generation + 1
    cache.grow(3, [500, 500])
    assert cache.rows >= 3
    assert cache.first(1).capacity >= 500
    assert held(row(cache, 0)) == {3.0}
    generation = cache.generation
    cache.grow(2, [64])
    assert cache.generation == generation


def test_a_row_can_take_anothers_place(config: Zamba2VLConfig) -> None:
    cache = cache_of(config, 11 * PAGE)
    cache.grow(3, [100, 200, 300])
    for index, tokens in enumerate((100, 200, 300)):
        state = cache.open(index, tokens)
        assert state is not None
        write(state, tokens, index + 1.0)
    assert cache.open(3, 3 * PAGE) is None
    cache.close(0)
    cache.move(2, 0)
    cache.move(1, 1)
    assert held(row(cache, 0)) == {3.0}
    assert held(row(cache, 1)) == {2.0}
    state = cache.open(3, PAGE)
    assert state is not None
    write(state, 64, 4.0)
    assert held(row(cache, 0)) == {3.0}


def test_the_pool_never_outgrows_its_bound(config: Zamba2VLConfig) -> None:
    cache = cache_of(config, 4 * PAGE)
    assert cache.most == 4 * PAGE
    cache.grow(4, [3 * PAGE] * 4)
    assert len(cache.state.keys[0]) == 1 + 4
    assert cache.open(0, 3 * PAGE) is not None
    assert cache.open(1, 3 * PAGE) is None
    cache.close(0)
    assert cache.open(1, 3 * PAGE) is not None


def test_what_was_read_is_shared_and_written_by_nobody_else(config: Zamba2VLConfig) -> None:
    cache, prefix = cache_of(config, 7 * PAGE), picture(0)
    cache.grow(4, [3 * PAGE, 3 * PAGE])
    first = cache.open(0, 3 * PAGE, prefix)
    assert first is not None and int(first.filled) == 0
    write(first, len(prefix), 1.0)
    cache.remember(0, prefix)
    assert cache.knows(picture(0)) and not cache.knows(picture(1))
    write(first, 50, 2.0)
    second = cache.open(1, 3 * PAGE, picture(0))
    assert second is not None and int(second.filled) == len(prefix)
    assert held(second) == {1.0}
    assert int(second.table[0, 0]) == int(first.table[0, 0])
    write(second, 50, 3.0)
    assert held(first) == {1.0, 2.0}
    assert held(second) == {1.0, 3.0}
    cache.close(0)
    cache.close(1)
    third = cache.open(2, 3 * PAGE, prefix)
    assert third is not None and held(third) == {1.0}


def test_the_host_knows_where_pages_follow_each_other(config: Zamba2VLConfig) -> None:
    cache = cache_of(config, None)
    cache.grow(1, [4 * PAGE, PAGE])
    assert cache.open(0, PAGE) is not None
    assert cache.open(1, 3 * PAGE) is not None
    assert cache.last_runs == ((2, 3),)
    cache.close(1)
    cache.close(0)
    assert cache.open(0, 2 * PAGE) is not None
    assert cache.open(1, PAGE) is not None
    cache.close(0)
    cache.close(1)
    cache._pool.share([2])
    assert cache.open(1, 4 * PAGE) is not None
    assert cache.last_runs == ((1, 1), (3, 3))


@pytest.mark.parametrize("pages", [6, 7])
def test_requests_come_before_what_is_remembered(config: Zamba2VLConfig, pages: int) -> None:
    cache, prefix = cache_of(config, 7 * PAGE), picture(0)
    cache.grow(2, [7 * PAGE])
    state = cache.open(0, 2 * PAGE, prefix)
    assert state is not None
    write(state, len(prefix), 1.0)
    cache.remember(0, prefix)
    cache.close(0)
    assert cache.knows(prefix)
    assert cache.open(1, pages * PAGE) is not None
    assert not cache.knows(prefix)
