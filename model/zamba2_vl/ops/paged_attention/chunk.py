"""Many queries a row: tiles of queries walk over the tiles of keys that they may see, with an
online softmax, so that memory stays flat whatever the length.

A head's width is cut into two tiles of powers of two, since one would be padded by up to a half:
160 features are 128 and 32.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _tile(base, row_places, ok, WIDTH: tl.constexpr, FIRST: tl.constexpr, W: tl.constexpr):
    """(rows, W) features from FIRST on, zeros where there are none."""
    feature = FIRST + tl.arange(0, W)[None, :]
    return tl.load(base + row_places[:, None] + feature, ok[:, None] & (feature < WIDTH), 0.0)


@triton.jit
def _walk(
    q1, q2, mix1, mix2, total, top, keys, values, table, position, start, end,
    page_tokens, token_size, scale,
    MASKED: tl.constexpr, K: tl.constexpr, WIDTH: tl.constexpr,
    W1: tl.constexpr, W2: tl.constexpr, EXACT: tl.constexpr,
):  # fmt: skip
    """Take the keys from `start` (a tile's first) to `end` into the online softmax."""
    for first in tl.range(start, end, K):
        token = first + tl.arange(0, K)
        page = tl.load(table + first // page_tokens).to(tl.int64)
        places = (page * page_tokens + token % page_tokens) * token_size
        held = token < end
        score = tl.dot(q1, tl.trans(_tile(keys, places, held, WIDTH, 0, W1)), input_precision=EXACT)
        if W2:
            more = _tile(keys, places, held, WIDTH, W1, W2)
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
        value = _tile(values, places, held, WIDTH, 0, W1)
        mix1 = tl.dot(weight, value, mix1 * fade[:, None], input_precision=EXACT)
        if W2:
            value = _tile(values, places, held, WIDTH, W1, W2)
            mix2 = tl.dot(weight, value, mix2 * fade[:, None], input_precision=EXACT)
        top = higher
    return mix1, mix2, total, top


@triton.jit
def _attend(
    q, keys, values, table, positions, y,
    length, heads, shared, page_tokens, scale,
    q_row, q_token, q_head, positions_row, table_row,
    Q: tl.constexpr, K: tl.constexpr, WIDTH: tl.constexpr,
    W1: tl.constexpr, W2: tl.constexpr, EXACT: tl.constexpr,
):  # fmt: skip
    # The last queries see the most keys and go first, so that no long one is left for the end.
    tile = tl.num_programs(0) - 1 - tl.program_id(0)
    head, row = tl.program_id(1), tl.program_id(2).to(tl.int64)
    query = tile * Q + tl.arange(0, Q)
    inside = query < length
    position = tl.load(positions + row * positions_row + query, inside, -1)
    q += row * q_row + head * q_head
    q1 = _tile(q, query * q_token, inside, WIDTH, 0, W1)
    mix1, mix2, q2 = tl.zeros((Q, W1), tl.float32), 0.0, 0.0
    if W2:
        q2 = _tile(q, query * q_token, inside, WIDTH, W1, W2)
        mix2 = tl.zeros((Q, W2), tl.float32)
    total, top = tl.zeros((Q,), tl.float32), tl.full((Q,), -float("inf"), tl.float32)
    keys += head // shared * WIDTH
    values += head // shared * WIDTH
    table += row * table_row
    token_size = heads // shared * WIDTH
    end = tl.max(position, 0) + 1
    # Up to here all queries of the tile see all keys.
    clear = (tl.min(tl.where(position >= 0, position, end), 0) + 1) // K * K
    mix1, mix2, total, top = _walk(
        q1, q2, mix1, mix2, total, top, keys, values, table, position, 0, clear,
        page_tokens, token_size, scale, False, K, WIDTH, W1, W2, EXACT,
    )  # fmt: skip
    mix1, mix2, total, top = _walk(
        q1, q2, mix1, mix2, total, top, keys, values, table, position, clear, end,
        page_tokens, token_size, scale, True, K, WIDTH, W1, W2, EXACT,
    )  # fmt: skip
    seen = position >= 0
    part = tl.where(seen, 1 / tl.where(seen, total, 1.0), 0.0)[:, None]
    places = y + ((row * length + query[:, None]) * heads + head) * WIDTH
    feature = tl.arange(0, W1)[None, :]
    tl.store(
        places + feature, (mix1 * part).to(y.dtype.element_ty), inside[:, None] & (feature < WIDTH)
    )
    if W2:
        feature = W1 + tl.arange(0, W2)[None, :]
        tl.store(
            places + feature,
            (mix2 * part).to(y.dtype.element_ty),
            inside[:, None] & (feature < WIDTH),
        )


def paged_attention(
    q: Tensor, keys: Tensor, values: Tensor, table: Tensor, positions: Tensor, scale: float
) -> Tensor:
    """As `zamba2_vl.ops.paged_attention.paged_attention`."""
    batch, length, heads, width = q.shape
    y = q.new_empty(q.shape)
    q = q.to(keys.dtype)
    exact = keys.dtype == torch.float32
    wide = max(triton.next_power_of_2(width + 1) // 2, 16)
    rest = max(width - wide, 0)
    tile = 32 if exact else 128
    stages = 1 if exact else (3 if width <= 128 else 2)
    grid = (triton.cdiv(length, tile), heads, batch)
    _attend[grid](
        q, keys, values, table, positions, y,
        length, heads, heads // keys.shape[2], keys.shape[1], scale * 1.4426950408889634,
        *q.stride()[:3], positions.stride(0), table.stride(0),
        Q=tile, K=min(32 if exact else 64, keys.shape[1]), WIDTH=width, W1=wide,
        W2=max(triton.next_power_of_2(rest), 16) if rest else 0,
        EXACT="ieee" if exact else "tf32", num_warps=4 if exact else 8, num_stages=stages,
    )  # fmt: skip
    return y
