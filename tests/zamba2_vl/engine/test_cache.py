import torch

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.engine.cache import GRANULE, Cache


def fill(cache: Cache, row: int, tokens: int) -> None:
    state = cache.open(row, tokens)
    for tensor in (state.conv, state.ssm, state.keys, state.values):
        tensor.fill_(row + 1)
    state.filled.fill_(tokens)


def holds(cache: Cache, row: int, value: int, tokens: int) -> bool:
    state = cache.first(row + 1).rows(slice(row, row + 1))
    seen = (state.conv, state.ssm, state.keys[..., :tokens, :], state.values[..., :tokens, :])
    return int(state.filled) == tokens and all(bool((tensor == value).all()) for tensor in seen)


def cache_of(config: Zamba2VLConfig) -> Cache:
    return Cache(config.text, torch.device("cpu"), torch.float32)


def test_growing_keeps_what_is_there(config: Zamba2VLConfig) -> None:
    cache = cache_of(config)
    cache.grow(1, [10])
    assert (cache.rows, cache.first(1).capacity) == (1, GRANULE)
    fill(cache, 0, 10)
    cache.grow(3, [GRANULE + 1])
    assert (cache.rows, cache.first(1).capacity) == (3, 2 * GRANULE)
    assert holds(cache, 0, 1, 10)
    cache.grow(2, [5])
    assert (cache.rows, cache.first(1).capacity) == (3, 2 * GRANULE)


def test_room_that_suffices_is_not_allocated_again(config: Zamba2VLConfig) -> None:
    cache = cache_of(config)
    cache.grow(2, [100])
    memory = cache.first(1).keys.data_ptr()
    cache.grow(1, [GRANULE])
    assert cache.first(1).keys.data_ptr() == memory


def test_a_row_can_take_anothers_place(config: Zamba2VLConfig) -> None:
    cache = cache_of(config)
    cache.grow(3, [20])
    for row in range(3):
        fill(cache, row, 5 + row)
    cache.move(2, 0)
    cache.move(1, 1)
    assert holds(cache, 0, 3, 7)
    assert holds(cache, 1, 2, 6)


def test_a_fresh_row_is_empty(config: Zamba2VLConfig) -> None:
    cache = cache_of(config)
    cache.grow(2, [20])
    fill(cache, 0, 5)
    fill(cache, 1, 5)
    state = cache.open(1, 5)
    assert int(state.filled) == 0
    assert not state.ssm.any() and not state.conv.any()
    assert holds(cache, 0, 1, 5)
