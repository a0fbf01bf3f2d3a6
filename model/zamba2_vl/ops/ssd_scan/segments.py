"""The scan on a GPU for inference: the segments of a sequence are walked side by side.

One program a sequence and head cannot fill a GPU at batch 1. So a sequence is cut into segments: a
first pass finds what each of them adds to the state, a second one starts each from what all before
it have left, and walks over its tiles to the outputs. No state but one a segment is ever stored.
"""

from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 64
# Enough programs to even out what each multiprocessor gets.
_PROGRAMS = 6
_FORWARD = {"num_warps": 4, "num_stages": 2}


@triton.jit
def _tile(first, stride, left, Q: tl.constexpr, WIDTH: tl.constexpr):
    """(tokens, WIDTH), zeros where none are left."""
    t = tl.arange(0, Q)[:, None]
    return tl.load(first + t * stride + tl.arange(0, WIDTH)[None, :], t < left, 0.0)


@triton.jit
def _borders(lengths, L, row, segment, tiles, Q: tl.constexpr):
    """The row's valid tokens from the segment's first one on, and in how many tiles it has them."""
    length = L
    if lengths is not None:
        length = tl.load(lengths + row).to(tl.int32)
    left = length - segment * tiles * Q
    return left, tl.maximum(0, tl.minimum(tiles, tl.cdiv(left, Q)))


@triton.jit
def _add(
    x, dt, a, b, lengths, added, elapsed,
    L, heads, shared, segments, tiles,
    x_batch, x_token, x_head, dt_batch, dt_token, dt_head, b_batch, b_token, b_group,
    Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    head, segment, row = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    start = segment.to(tl.int64) * tiles * Q
    x += row * x_batch + start * x_token + head * x_head
    dt += row * dt_batch + start * dt_token + head * dt_head
    b += row * b_batch + start * b_token + head // shared * b_group
    rate = tl.load(a + head)
    state = tl.zeros((P, N), tl.float32)
    total = rate * 0
    t = tl.arange(0, Q)
    left, filled = _borders(lengths, L, row, segment, tiles, Q)
    for _ in range(filled):
        xs, bs = _tile(x, x_token, left, Q, P), _tile(b, b_token, left, Q, N)
        step = tl.load(dt + t * dt_token, t < left, 0.0)
        end = tl.sum(step * rate, 0)
        fading = tl.exp(end - tl.cumsum(step * rate, 0)) * step
        faded = (xs * fading[:, None]).to(xs.dtype)
        state = state * tl.exp(end) + tl.dot(tl.trans(faded), bs, input_precision=PRECISION)
        total += end
        x, b, dt = x + Q * x_token, b + Q * b_token, dt + Q * dt_token
        left -= Q
    place = (row * heads + head) * segments + segment
    square = tl.arange(0, P)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(added + place * P * N + square, state)
    tl.store(elapsed + place, total)


@triton.jit
def _walk(
    x, dt, a, b, c, d, before, lengths, added, elapsed, y, last,
    L, heads, shared, segments, tiles,
    x_batch, x_token, x_head, dt_batch, dt_token, dt_head, b_batch, b_token, b_group,
    c_batch, c_token, c_group,
    Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    head, segment, row = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    start = segment.to(tl.int64) * tiles * Q
    x += row * x_batch + start * x_token + head * x_head
    dt += row * dt_batch + start * dt_token + head * dt_head
    b += row * b_batch + start * b_token + head // shared * b_group
    c += row * c_batch + start * c_token + head // shared * c_group
    y += ((row * L + start) * heads + head) * P
    rate, skip = tl.load(a + head), tl.load(d + head).to(tl.float32)
    square = tl.arange(0, P)[:, None] * N + tl.arange(0, N)[None, :]
    here = row * heads + head
    state = tl.zeros((P, N), tl.float32)
    if before is not None:
        state = tl.load(before + here * P * N + square)
    for j in range(segment):
        earlier = added + (here * segments + j) * P * N
        state = state * tl.exp(tl.load(elapsed + here * segments + j)) + tl.load(earlier + square)
    left, filled = _borders(lengths, L, row, segment, tiles, Q)
    room = L - segment * tiles * Q
    t = tl.arange(0, Q)
    outputs = t[:, None] * heads * P + tl.arange(0, P)[None, :]
    for _ in range(filled):
        xs = _tile(x, x_token, left, Q, P)
        bs, cs = _tile(b, b_token, left, Q, N), _tile(c, c_token, left, Q, N)
        step = tl.load(dt + t * dt_token, t < left, 0.0)
        decay = tl.cumsum(step * rate, 0)
        end = tl.sum(step * rate, 0)
        apart = tl.where(t[:, None] >= t[None, :], decay[:, None] - decay[None, :], -float("inf"))
        scores = tl.dot(cs, tl.trans(bs), input_precision=PRECISION)
        scores = scores * tl.exp(apart) * step[None, :]
        out = tl.dot(cs, tl.trans(state.to(xs.dtype)), input_precision=PRECISION)
        out = out * tl.exp(decay)[:, None] + xs * skip
        out += tl.dot(scores.to(xs.dtype), xs, input_precision=PRECISION)
        tl.store(y + outputs, out.to(xs.dtype), (t < room)[:, None])
        faded = (xs * (tl.exp(end - decay) * step)[:, None]).to(xs.dtype)
        state = state * tl.exp(end) + tl.dot(tl.trans(faded), bs, input_precision=PRECISION)
        x, b, c, dt = x + Q * x_token, b + Q * b_token, c + Q * c_token, dt + Q * dt_token
        y += Q * heads * P
        left -= Q
        room -= Q
    for _ in range(filled, tiles):
        # Padding comes out as zeros, for nobody knows what lies in fresh memory.
        tl.store(y + outputs, tl.zeros((Q, P), y.dtype.element_ty), (t < room)[:, None])
        y += Q * heads * P
        room -= Q
    if segment == segments - 1:
        tl.store(last + here * P * N + square, state)


@cache
def _multiprocessors(device: torch.device) -> int:
    if device.type != "cuda":
        return 1  # Triton's interpreter
    return torch.cuda.get_device_properties(device).multi_processor_count


def ssd_scan(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    d: Tensor,
    state: Tensor | None,
    lengths: Tensor | None,
    segments: int | None = None,
) -> tuple[Tensor, Tensor]:
    """As `zamba2_vl.ops.ssd_scan`. Width and rank are powers of two, at least 16, the last
    dimensions and the state contiguous; not differentiable.

    segments: walked side by side; None for as many as the GPU has room for.
    """
    batch, length, heads, width = x.shape
    groups, rank = b.shape[2:]
    tiles = -(-length // TILE)
    if segments is None:
        segments = -(-_PROGRAMS * _multiprocessors(x.device) // (batch * heads))
    each = -(-tiles // min(segments, tiles))
    segments = -(-tiles // each)
    y = x.new_empty(batch, length, heads, width)
    last = dt.new_empty(batch, heads, width, rank)
    added = dt.new_empty(batch, heads, segments, width, rank)
    elapsed = dt.new_empty(batch, heads, segments)
    strides = (*x.stride()[:3], *dt.stride(), *b.stride()[:3])
    sizes = (length, heads, heads // groups, segments, each, *strides)
    shape = {
        "Q": TILE, "P": width, "N": rank,
        "PRECISION": "tf32x3" if x.dtype == torch.float32 else "tf32",
    }  # fmt: skip
    if segments > 1:
        _add[(heads, segments - 1, batch)](
            x, dt, a, b, lengths, added, elapsed, *sizes, **shape, **_FORWARD
        )
    _walk[(heads, segments, batch)](
        x, dt, a, b, c, d, state, lengths, added, elapsed, y, last, *sizes, *c.stride()[:3],
        **shape, **_FORWARD,
    )  # fmt: skip
    return y, last
