"""One query a row: nothing but reading the cache takes time, so every multiprocessor shall read.

The tokens of a row are cut into as many parts as the device needs to be full, whatever their
number: each program goes over its part of one row and head, and a second, short pass brings the
parts together. There is one query for each key that is read, so products of vectors do; tokens
are kept in separate lanes, each with a softmax of its own, until the end of the part.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from zamba2_vl.ops.paged_attention.width import tile, tiles

# Tokens that a program reads at once, its warps, and the reads under way ahead of use.
_TOKENS = 32
_WARPS = 8
_STAGES = 3
# Programs for each multiprocessor, enough that reads are always on their way.
_CROWD = 4
_MOST_PARTS = 64


@triton.jit
def _query(base, factor, WIDTH: tl.constexpr, FIRST: tl.constexpr, W: tl.constexpr):
    feature = FIRST + tl.arange(0, W)[None, :]
    return tl.load(base + feature, feature < WIDTH, 0.0).to(tl.float32) * factor


@triton.jit
def _keep(base, mix, WIDTH: tl.constexpr, FIRST: tl.constexpr, W: tl.constexpr):
    feature = FIRST + tl.arange(0, W)
    tl.store(base + feature, tl.sum(mix, 0), feature < WIDTH)


@triton.jit
def _read(
    q, keys, values, table, positions, mixed, sums, tops,
    heads, shared, page_tokens, scale,
    q_row, q_head, positions_row, table_row,
    PARTS: tl.constexpr, TOKENS: tl.constexpr, WIDTH: tl.constexpr,
    W1: tl.constexpr, W2: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    head, row, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    tokens = tl.load(positions + row * positions_row) + 1
    blocks = tl.cdiv(tokens, TOKENS)
    share = tl.cdiv(blocks, PARTS)
    # Powers of two are quicker than those of e.
    factor = scale * 1.4426950408889634
    q1 = _query(q + row * q_row + head * q_head, factor, WIDTH, 0, W1)
    mix1 = tl.zeros((TOKENS, W1), tl.float32)
    q2, mix2 = 0.0, 0.0
    if W2:
        q2 = _query(q + row * q_row + head * q_head, factor, WIDTH, W1, W2)
        mix2 = tl.zeros((TOKENS, W2), tl.float32)
    total, top = tl.zeros((TOKENS,), tl.float32), tl.full((TOKENS,), -float("inf"), tl.float32)
    token_size = heads // shared * WIDTH
    keys += head // shared * WIDTH
    values += head // shared * WIDTH
    end = tl.minimum(part * share + share, blocks)
    for block in tl.range(part * share, end, num_stages=STAGES):
        token = block * TOKENS + tl.arange(0, TOKENS)
        ok = token < tokens
        page = tl.load(table + row * table_row + block * TOKENS // page_tokens).to(tl.int64)
        places = (page * page_tokens + token % page_tokens) * token_size
        score = tl.sum(q1 * tile(keys, places, ok, WIDTH, 0, W1), 1)
        if W2:
            score += tl.sum(q2 * tile(keys, places, ok, WIDTH, W1, W2), 1)
        score = tl.where(ok, score, -float("inf"))
        # A lane without a token so far has no top, and a difference of infinities is no number.
        higher = tl.maximum(tl.maximum(top, score), -1e30)
        fade, grown = tl.exp2(top - higher), tl.exp2(score - higher)
        total = total * fade + grown
        value = tile(values, places, ok, WIDTH, 0, W1)
        mix1 = mix1 * fade[:, None] + grown[:, None] * value
        if W2:
            value = tile(values, places, ok, WIDTH, W1, W2)
            mix2 = mix2 * fade[:, None] + grown[:, None] * value
        top = higher
    highest = tl.max(top, 0)
    fade = tl.exp2(top - tl.maximum(highest, -1e30))
    at = (row * heads + head) * PARTS + part
    tl.store(tops + at, highest)
    tl.store(sums + at, tl.sum(total * fade, 0))
    _keep(mixed + at * WIDTH, mix1 * fade[:, None], WIDTH, 0, W1)
    if W2:
        _keep(mixed + at * WIDTH, mix2 * fade[:, None], WIDTH, W1, W2)


@triton.jit
def _join(
    mixed, sums, tops, y,
    PARTS: tl.constexpr, WIDTH: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    parts = tl.program_id(0) * PARTS + tl.arange(0, PARTS)
    feature = tl.arange(0, W)
    top = tl.load(tops + parts)
    fade = tl.exp2(top - tl.maximum(tl.max(top, 0), -1e30))
    total = tl.sum(tl.load(sums + parts) * fade, 0)
    wide = feature < WIDTH
    mix = tl.load(mixed + parts[:, None] * WIDTH + feature[None, :], wide[None, :], 0.0)
    # Without a single token the sum is 0, and so is what comes out.
    result = tl.sum(mix * fade[:, None], 0) / tl.where(total > 0, total, 1.0)
    tl.store(y + tl.program_id(0) * WIDTH + feature, result.to(y.dtype.element_ty), wide)


def paged_attention(
    q: Tensor, keys: Tensor, values: Tensor, table: Tensor, positions: Tensor, scale: float
) -> Tensor:
    """As `zamba2_vl.ops.paged_attention.paged_attention` for a length of 1."""
    batch, _, heads, width = q.shape
    parts = _parts(batch * heads, q.device)
    mixed = torch.empty(batch, heads, parts, width, device=q.device)
    sums, tops = torch.empty(2, batch, heads, parts, device=q.device)
    y = q.new_empty(q.shape)
    first, second = tiles(width)
    _read[heads, batch, parts](
        q, keys, values, table, positions, mixed, sums, tops,
        heads, heads // keys.shape[2], keys.shape[1], scale,
        q.stride(0), q.stride(2), positions.stride(0), table.stride(0),
        PARTS=parts, TOKENS=min(_TOKENS, keys.shape[1]), WIDTH=width, W1=first, W2=second,
        STAGES=_STAGES, num_warps=_WARPS,
    )  # fmt: skip
    _join[(batch * heads,)](
        mixed, sums, tops, y, PARTS=parts, WIDTH=width, W=triton.next_power_of_2(width)
    )
    return y


def _parts(rows: int, device: torch.device) -> int:
    """A power of two, the same for all lengths, so that a recorded graph serves them all."""
    if device.type == "cpu":
        return 4
    places = torch.cuda.get_device_properties(device).multi_processor_count * _CROWD
    parts: int = triton.next_power_of_2(triton.cdiv(places, rows))
    return min(parts, _MOST_PARTS)
