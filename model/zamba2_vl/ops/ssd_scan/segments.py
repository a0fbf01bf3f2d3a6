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

from zamba2_vl.ops.functions import softplus

TILE = 64
# Programs that a multiprocessor has room for. More segments would wait for their turn, and each
# must add up all that those before it have left.
_PROGRAMS = 2
_HEADS = 16
_FORWARD = {"PRECISION": "tf32", "num_warps": 4, "num_stages": 2}
# Three products of rounded halves each: float32, whose tiles fill the memory beside a GPU's core.
_EXACT = {"PRECISION": "tf32x3", "num_warps": 8, "num_stages": 1}


@triton.jit
def _tile(first, stride, left, Q: tl.constexpr, WIDTH: tl.constexpr):
    """(tokens, WIDTH), zeros where none are left."""
    t = tl.arange(0, Q)[:, None]
    return tl.load(first + t * stride + tl.arange(0, WIDTH)[None, :], t < left, 0.0)


@triton.jit
def _fade(
    dt, bias, a, lengths, steps, decays, L, heads, padded, floor, dt_batch, dt_token, dt_head,
    Q: tl.constexpr, HEADS: tl.constexpr,
):  # fmt: skip
    """The step widths by head, 0 past a row's end, and their decays summed up within each tile."""
    tile, row = tl.program_id(0), tl.program_id(2).to(tl.int64)
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)[None, :]
    t = tile * Q + tl.arange(0, Q)[:, None]
    here = head < heads
    length = L
    if lengths is not None:
        length = tl.load(lengths + row).to(tl.int32)
    places = dt + row * dt_batch + t.to(tl.int64) * dt_token + head * dt_head
    step = tl.load(places, here & (t < length), 0.0).to(tl.float32)
    if bias is not None:
        step = softplus(step + tl.load(bias + head, here, 0.0).to(tl.float32))
        step = tl.where(t < length, tl.maximum(step, floor), 0.0)
    decay = tl.cumsum(step * tl.load(a + head, here, 0.0), 0)
    places = (row * heads + head) * padded + t
    tl.store(steps + places, step, here)
    tl.store(decays + places, decay, here)


@triton.jit
def _filled(lengths, L, row, segment, tiles, Q: tl.constexpr):
    """The row's valid tokens from the segment's first one on, and in how many tiles it has them."""
    length = L
    if lengths is not None:
        length = tl.load(lengths + row).to(tl.int32)
    left = length - segment * tiles * Q
    return left, tl.maximum(0, tl.minimum(tiles, tl.cdiv(left, Q)))


@triton.jit
def _kept(x, steps, decays, stride, left, t, Q: tl.constexpr, P: tl.constexpr):
    """(P, tokens) of x, each token faded to the tile's end."""
    xs = tl.load(x + t[None, :] * stride + tl.arange(0, P)[:, None], (t < left)[None, :], 0.0)
    end = tl.load(decays + Q - 1 + t * 0)
    fading = tl.exp(end - tl.load(decays + t)) * tl.load(steps + t)
    return (xs * fading[None, :]).to(xs.dtype)


@triton.jit
def _add(
    x, b, steps, decays, lengths, added, elapsed,
    L, heads, shared, padded, segments, tiles,
    x_batch, x_token, x_head, b_batch, b_token, b_group,
    Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    head, segment, row = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    here, start = row * heads + head, segment.to(tl.int64) * tiles * Q
    x += row * x_batch + start * x_token + head * x_head
    b += row * b_batch + start * b_token + head // shared * b_group
    steps += here * padded + start
    decays += here * padded + start
    state = tl.zeros((P, N), tl.float32)
    total = tl.zeros((P,), tl.float32) + 1.0
    t, feature = tl.arange(0, Q), tl.arange(0, P)
    left, filled = _filled(lengths, L, row, segment, tiles, Q)
    for _ in range(filled):
        end = tl.exp(tl.load(decays + Q - 1 + feature * 0))
        kept = _kept(x, steps, decays, x_token, left, t, Q, P)
        bs = _tile(b, b_token, left, Q, N)
        state = tl.dot(kept, bs, state * end[:, None], input_precision=PRECISION)
        total *= end
        x, b, steps, decays = x + Q * x_token, b + Q * b_token, steps + Q, decays + Q
        left -= Q
    place = here * segments + segment
    square = feature[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(added + place * P * N + square, state)
    tl.store(elapsed + place * P + feature, total)


@triton.jit
def _walk(
    x, b, c, d, steps, decays, before, lengths, added, elapsed, y, last,
    L, heads, shared, padded, segments, tiles,
    x_batch, x_token, x_head, b_batch, b_token, b_group, c_batch, c_token, c_group,
    Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    head, segment, row = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    here, start = row * heads + head, segment.to(tl.int64) * tiles * Q
    x += row * x_batch + start * x_token + head * x_head
    b += row * b_batch + start * b_token + head // shared * b_group
    c += row * c_batch + start * c_token + head // shared * c_group
    y += ((row * L + start) * heads + head) * P
    steps += here * padded + start
    decays += here * padded + start
    skip = tl.load(d + head).to(tl.float32)
    t, feature = tl.arange(0, Q), tl.arange(0, P)
    square = feature[:, None] * N + tl.arange(0, N)[None, :]
    outputs = t[:, None] * heads * P + feature[None, :]
    state = tl.zeros((P, N), tl.float32)
    if before is not None:
        state = tl.load(before + here * P * N + square)
    for j in range(segment):
        place = here * segments + j
        faded = state * tl.load(elapsed + place * P + feature)[:, None]
        state = faded + tl.load(added + place * P * N + square)
    left, filled = _filled(lengths, L, row, segment, tiles, Q)
    room = L - segment * tiles * Q
    for _ in range(filled):
        end = tl.exp(tl.load(decays + Q - 1 + feature * 0))
        xs = _tile(x, x_token, left, Q, P)
        bs, cs = _tile(b, b_token, left, Q, N), _tile(c, c_token, left, Q, N)
        row_decay, decay = tl.load(decays + t[:, None]), tl.load(decays + t[None, :])
        out = tl.dot(cs, tl.trans(state.to(cs.dtype)), input_precision=PRECISION)
        out = out * tl.exp(row_decay)
        scores = tl.dot(cs, tl.trans(bs), input_precision=PRECISION)
        apart = tl.where(t[:, None] >= t[None, :], row_decay - decay, -float("inf"))
        scores = scores * tl.exp(apart) * tl.load(steps + t[None, :])
        scores = tl.where(t[:, None] == t[None, :], scores + skip, scores)
        out = tl.dot(scores.to(xs.dtype), xs, out, input_precision=PRECISION)
        tl.store(y + outputs, out.to(xs.dtype), (t < room)[:, None])
        kept = _kept(x, steps, decays, x_token, left, t, Q, P)
        state = tl.dot(kept, bs, state * end[:, None], input_precision=PRECISION)
        x, b, c = x + Q * x_token, b + Q * b_token, c + Q * c_token
        y, steps, decays = y + Q * heads * P, steps + Q, decays + Q
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
    bias: Tensor | None = None,
    floor: float = 0.0,
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
        segments = max(1, _PROGRAMS * _multiprocessors(x.device) // (batch * heads))
    each = -(-tiles // min(segments, tiles))
    segments = -(-tiles // each)
    y = x.new_empty(batch, length, heads, width)
    steps, decays = a.new_empty(2, batch, heads, tiles * TILE)
    last = a.new_empty(batch, heads, width, rank)
    added = a.new_empty(batch, heads, segments, width, rank)
    elapsed = a.new_empty(batch, heads, segments, width)
    sizes = (length, heads, heads // groups, tiles * TILE, segments, each)
    strides = (*x.stride()[:3], *b.stride()[:3])
    how = _EXACT if x.dtype == torch.float32 else _FORWARD
    options = {"Q": TILE, "P": width, "N": rank, **how}
    _fade[(tiles, triton.cdiv(heads, _HEADS), batch)](
        dt, bias, a, lengths, steps, decays, length, heads, tiles * TILE, floor, *dt.stride(),
        Q=TILE, HEADS=_HEADS,
    )  # fmt: skip
    if segments > 1:
        _add[(heads, segments - 1, batch)](
            x, b, steps, decays, lengths, added, elapsed, *sizes, *strides, **options
        )
    _walk[(heads, segments, batch)](
        x, b, c, d, steps, decays, state, lengths, added, elapsed, y, last, *sizes, *strides,
        *c.stride()[:3], **options,
    )  # fmt: skip
    return y, last
