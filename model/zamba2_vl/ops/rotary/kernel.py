"""Rotary embedding on a GPU, with the write to the cache in the same launch: a program turns a few
heads of one token."""

import triton
import triton.language as tl
from torch import Tensor

# Heads in one program: enough to fill its warps, few enough that a single token gets several.
_HEADS = 8


@triton.jit
def _turned(base, head, ok, stride, cos, sin, HALF: tl.constexpr, H: tl.constexpr):
    """Both halves of some heads, (heads, H) float32 each, turned."""
    pair = tl.arange(0, H)[None, :]
    ok = ok[:, None] & (pair < HALF)
    first = tl.load(base + head[:, None] * stride + pair, ok, 0.0).to(tl.float32)
    second = tl.load(base + head[:, None] * stride + pair + HALF, ok, 0.0).to(tl.float32)
    return first * cos - second * sin, second * cos + first * sin


@triton.jit
def _store(base, head, ok, first, second, HALF: tl.constexpr, H: tl.constexpr):
    """The heads of one token side by side, as in the cache."""
    pair = tl.arange(0, H)[None, :]
    ok = ok[:, None] & (pair < HALF)
    places = base + head[:, None] * 2 * HALF + pair
    tl.store(places, first.to(base.dtype.element_ty), ok)
    tl.store(places + HALF, second.to(base.dtype.element_ty), ok)


@triton.jit
def _turn(
    x, cos, sin, turned, tokens, heads,
    x_row, x_token, x_head, angle_row, angle_token,
    HALF: tl.constexpr, H: tl.constexpr, HEADS: tl.constexpr,
):  # fmt: skip
    token, row = tl.program_id(0) % tokens, (tl.program_id(0) // tokens).to(tl.int64)
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)
    pair = tl.arange(0, H)[None, :]
    angle = row * angle_row + token * angle_token + pair
    c, s = tl.load(cos + angle, pair < HALF, 0.0), tl.load(sin + angle, pair < HALF, 0.0)
    x += row * x_row + token * x_token
    first, second = _turned(x, head, head < heads, x_head, c, s, HALF, H)
    places = turned + (row * tokens + token) * heads * 2 * HALF
    _store(places, head, head < heads, first, second, HALF, H)


@triton.jit
def _write(
    q, k, v, positions, frequencies, keys, values, table, turned,
    length, heads, key_heads, page_tokens,
    q_row, q_token, q_head, k_row, k_token, k_head, v_row, v_token, v_head,
    positions_row, table_row,
    TURN: tl.constexpr, HALF: tl.constexpr, H: tl.constexpr, HEADS: tl.constexpr,
):  # fmt: skip
    token, row = tl.program_id(0) % length, (tl.program_id(0) // length).to(tl.int64)
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)
    position = tl.load(positions + row * positions_row + token)
    cos, sin = 1.0, 0.0
    if TURN:
        pair = tl.arange(0, H)[None, :]
        angle = position.to(tl.float32) * tl.load(frequencies + pair, pair < HALF, 0.0)
        cos, sin = tl.cos(angle), tl.sin(angle)
        ok = head < heads
        first, second = _turned(
            q + row * q_row + token * q_token, head, ok, q_head, cos, sin, HALF, H
        )
        _store(turned + (row * length + token) * heads * 2 * HALF, head, ok, first, second, HALF, H)
    if position >= 0:
        ok = head < key_heads
        page = tl.load(table + row * table_row + position // page_tokens).to(tl.int64)
        place = (page * page_tokens + position % page_tokens) * key_heads * 2 * HALF
        first, second = _turned(
            k + row * k_row + token * k_token, head, ok, k_head, cos, sin, HALF, H
        )
        _store(keys + place, head, ok, first, second, HALF, H)
        first, second = _turned(
            v + row * v_row + token * v_token, head, ok, v_head, 1.0, 0.0, HALF, H
        )
        _store(values + place, head, ok, first, second, HALF, H)


def rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """As `zamba2_vl.ops.rotary.rotary` for (batch, tokens, heads, width); features contiguous."""
    batch, tokens, heads, width = x.shape
    cos, sin = (t.expand(batch, tokens, 1, width // 2) for t in (cos, sin))
    turned = x.new_empty(x.shape)
    _turn[(batch * tokens, triton.cdiv(heads, _HEADS))](
        x, cos, sin, turned, tokens, heads, *x.stride()[:3], *cos.stride()[:2],
        HALF=width // 2, H=triton.next_power_of_2(width // 2), HEADS=_HEADS, num_warps=4,
    )  # fmt: skip
    return turned


def rotary_write(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    positions: Tensor,
    frequencies: Tensor | None,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
) -> Tensor:
    """As `zamba2_vl.ops.rotary.rotary_write`; keys and values contiguous."""
    batch, length, heads, width = q.shape
    turned = q if frequencies is None else q.new_empty(q.shape)
    grid = (batch * length, triton.cdiv(heads, _HEADS))
    _write[grid](
        q, k, v, positions, frequencies, keys, values, table, turned,
        length, heads, k.shape[2], keys.shape[1],
        *q.stride()[:3], *k.stride()[:3], *v.stride()[:3], positions.stride(0), table.stride(0),
        TURN=frequencies is not None, HALF=width // 2, H=triton.next_power_of_2(width // 2),
        HEADS=_HEADS, num_warps=4,
    )  # fmt: skip
    return turned
