"""Many queries a row: tiles of queries walk over the tiles of keys that they may see, with an
online softmax, so that memory stays flat whatever the length.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from zamba2_vl.ops.paged_attention.width import tile, tiles


@triton.jit
def _walk(
    q1, q2, mix1, mix2, total, top, keys, values, pages, position, start, end,
    page_tokens, token_size, scale,
    MASKED: tl.constexpr, K: tl.constexpr, WIDTH: tl.constexpr,
    W1: tl.constexpr, W2: tl.constexpr, EXACT: tl.constexpr, PAGES: tl.constexpr,
):  # fmt: skip
    """Take the keys from `start` (a tile's first) to `end` into the online softmax."""
    for first in tl.range(start, end, K):
        token = first + tl.arange(0, K)
        # Not loaded here, since loads ahead of use must not wait for one another.
        here = tl.arange(0, PAGES) == first // page_tokens
        page = tl.sum(tl.where(here, pages, 0), 0).to(tl.int64)
        places = (page * page_tokens + token % page_tokens) * token_size
        held = token < end
        score = tl.dot(q1, tl.trans(tile(keys, places, held, WIDTH, 0, W1)), input_precision=EXACT)
        if W2:
            more = tile(keys, places, held, WIDTH, W1, W2)
            score = tl.dot(q2, tl.trans(more), score, input_precision=EXACT)
        score *= scale
        if MASKED:
            score = tl.where(token[None, :] <= position[:, None], score, -float("inf"))
        # A query that sees none of the keys has no top, and inf - inf is no number.
        higher = tl.maximum(tl.maximum(top, tl.max(score, 1)), -1e30)
        grown = tl.exp2(score - higher[:, None])
        fade = tl.exp2(top - higher)
        total = total * fade + tl.sum(grown, 1)
        weight = grown.to(values.dtype.element_ty)
        value = tile(values, places, held, WIDTH, 0, W1)
        mix1 = tl.dot(weight, value, mix1 * fade[:, None], input_precision=EXACT)
        if W2:
            value = tile(values, places, held, WIDTH, W1, W2)
            mix2 = tl.dot(weight, value, mix2 * fade[:, None], input_precision=EXACT)
        top = higher
    return mix1, mix2, total, top


@triton.jit
def _attend(
    q, keys, values, table, positions, y,
    length, heads, shared, page_tokens, scale,
    q_row, q_token, q_head, positions_row, table_row,
    Q: tl.constexpr, K: tl.constexpr, WIDTH: tl.constexpr,
    W1: tl.constexpr, W2: tl.constexpr, EXACT: tl.constexpr, PAGES: tl.constexpr,
):  # fmt: skip
    # The last queries see the most keys and go first, so that no long one is left for the end.
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    head, row = tl.program_id(1), tl.program_id(2).to(tl.int64)
    query = block * Q + tl.arange(0, Q)
    inside = query < length
    position = tl.load(positions + row * positions_row + query, inside, -1)
    q += row * q_row + head * q_head
    q1 = tile(q, query * q_token, inside, WIDTH, 0, W1)
    mix1, mix2, q2 = tl.zeros((Q, W1), tl.float32), 0.0, 0.0
    if W2:
        q2 = tile(q, query * q_token, inside, WIDTH, W1, W2)
        mix2 = tl.zeros((Q, W2), tl.float32)
    total, top = tl.zeros((Q,), tl.float32), tl.full((Q,), -float("inf"), tl.float32)
    keys += head // shared * WIDTH
    values += head // shared * WIDTH
    token_size = heads // shared * WIDTH
    end = tl.max(position, 0) + 1
    page = tl.arange(0, PAGES)
    pages = tl.load(table + row * table_row + page, page * page_tokens < end, 0)
    # Up to here all queries of the tile see all keys.
    clear = (tl.min(tl.where(position >= 0, position, end), 0) + 1) // K * K
    mix1, mix2, total, top = _walk(
        q1, q2, mix1, mix2, total, top, keys, values, pages, position, 0, clear,
        page_tokens, token_size, scale, False, K, WIDTH, W1, W2, EXACT, PAGES,
    )  # fmt: skip
    mix1, mix2, total, top = _walk(
        q1, q2, mix1, mix2, total, top, keys, values, pages, position, clear, end,
        page_tokens, token_size, scale, True, K, WIDTH, W1, W2, EXACT, PAGES,
    )  # fmt: skip
    # What a query that is not there asks for may be no number.
    seen = (position >= 0)[:, None]
    part = 1 / tl.where(seen, total[:, None], 1.0)
    places = y + ((row * length + query[:, None]) * heads + head) * WIDTH
    feature = tl.arange(0, W1)[None, :]
    first = tl.where(seen, mix1 * part, 0.0).to(y.dtype.element_ty)
    tl.store(places + feature, first, inside[:, None] & (feature < WIDTH))
    if W2:
        feature = W1 + tl.arange(0, W2)[None, :]
        second = tl.where(seen, mix2 * part, 0.0).to(y.dtype.element_ty)
        tl.store(places + feature, second, inside[:, None] & (feature < WIDTH))


def paged_attention(
    q: Tensor, keys: Tensor, values: Tensor, table: Tensor, positions: Tensor, scale: float
) -> Tensor:
    """As `zamba2_vl.ops.paged_attention.paged_attention`."""
    batch, length, heads, width = q.shape
    y = q.new_empty(q.shape)
    q = q.to(keys.dtype)
    first, second = tiles(width)
    exact = keys.dtype == torch.float32
    queries, tokens, warps, stages = _shape(first + second, exact, q.device)
    grid = (triton.cdiv(length, queries), heads, batch)
    _attend[grid](
        q, keys, values, table, positions, y,
        length, heads, heads // keys.shape[2], keys.shape[1], scale * 1.4426950408889634,
        *q.stride()[:3], positions.stride(0), table.stride(0),
        Q=queries, K=min(tokens, keys.shape[1]), WIDTH=width, W1=first, W2=second,
        EXACT="ieee" if exact else "tf32", PAGES=triton.next_power_of_2(table.shape[1]),
        num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return y


def _shape(width: int, exact: bool, device: torch.device) -> tuple[int, int, int, int]:
    """Queries and keys of a tile, warps, and tiles of keys that are on their way: what the shared
    memory holds, which is 227 KiB on Hopper and its large successor, and 99 on most others."""
    if exact:
        return 32, 32, 4, 1
    if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] not in (9, 10):
        return 64, 32, 4, 2
    return 128, 64 if width <= 160 else 32, 8, 3
