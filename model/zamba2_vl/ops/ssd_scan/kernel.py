"""The scan on a GPU, with gradients: one program a sequence and head walks over the chunks.

The same sums as `reference`, but the Q x Q products of a chunk and the state between chunks never
leave the multiprocessor. The backward pass walks in reverse from the states that the forward pass
left at the start of each chunk.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor, library

CHUNK = 64
_FORWARD = {"num_warps": 4, "num_stages": 2}
_BACKWARD = {"num_warps": 4, "num_stages": 1}


@triton.jit
def _positions(L, i, Q: tl.constexpr):
    t = i * Q + tl.arange(0, Q)
    return t, t < L


@triton.jit
def _tile(base, t, ok, stride, WIDTH: tl.constexpr):
    """(tokens, WIDTH), zeros past the end."""
    return tl.load(base + t[:, None] * stride + tl.arange(0, WIDTH)[None, :], ok[:, None], 0.0)


@triton.jit
def _fading(decay, Q: tl.constexpr):
    """exp(decay_i - decay_j) where j comes no later than i, else 0."""
    row, column = tl.arange(0, Q)[:, None], tl.arange(0, Q)[None, :]
    return tl.exp(tl.where(row >= column, decay[:, None] - decay[None, :], -float("inf")))


@triton.jit
def _forward(
    x, dt, a, b, c, d, y, starts, last,
    L, heads, shared, chunks,
    x_batch, x_token, x_head, dt_batch, dt_token, dt_head,
    b_batch, b_token, b_group, c_batch, c_token, c_group,
    Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0), tl.program_id(1)
    x += row * x_batch + head * x_head
    dt += row * dt_batch + head * dt_head
    b += row * b_batch + head // shared * b_group
    c += row * c_batch + head // shared * c_group
    y += (row * L * heads + head) * P
    square = tl.arange(0, P)[:, None] * N + tl.arange(0, N)[None, :]
    starts += (row * heads + head) * chunks * P * N + square
    rate, skip = tl.load(a + head), tl.load(d + head).to(tl.float32)
    state = tl.zeros((P, N), tl.float32)
    for i in range(chunks):
        t, ok = _positions(L, i, Q)
        xs, bs, cs = (
            _tile(x, t, ok, x_token, P), _tile(b, t, ok, b_token, N), _tile(c, t, ok, c_token, N)
        )  # fmt: skip
        step = tl.load(dt + t * dt_token, ok, 0.0)
        tl.store(starts + i * P * N, state.to(starts.dtype.element_ty))
        decay = tl.cumsum(step * rate, 0)
        end = tl.sum(step * rate, 0)
        mixed = tl.dot(cs, tl.trans(bs)) * _fading(decay, Q) * step[None, :]
        out = tl.dot(mixed.to(xs.dtype), xs)
        out += tl.dot(cs, tl.trans(state.to(xs.dtype))) * tl.exp(decay)[:, None]
        out += xs * skip
        places = y + t[:, None] * heads * P + tl.arange(0, P)[None, :]
        tl.store(places, out.to(xs.dtype), ok[:, None])
        faded = (xs * (tl.exp(end - decay) * step)[:, None]).to(xs.dtype)
        state = state * tl.exp(end) + tl.dot(tl.trans(faded), bs)
    tl.store(last + (row * heads + head) * P * N + square, state)


@triton.jit
def _backward(
    dy, x, dt, a, b, c, d, starts,
    dx, ddt, da, db, dc, dd,
    L, heads, shared, chunks,
    x_batch, x_token, x_head, dt_batch, dt_token, dt_head,
    b_batch, b_token, b_group, c_batch, c_token, c_group,
    Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0), tl.program_id(1)
    x += row * x_batch + head * x_head
    dt += row * dt_batch + head * dt_head
    b += row * b_batch + head // shared * b_group
    c += row * c_batch + head // shared * c_group
    dy += (row * L * heads + head) * P
    dx += (row * L * heads + head) * P
    db += (row * L * heads + head) * N
    dc += (row * L * heads + head) * N
    ddt += row * L * heads + head
    square = tl.arange(0, P)[:, None] * N + tl.arange(0, N)[None, :]
    starts += (row * heads + head) * chunks * P * N + square
    rate, skip = tl.load(a + head), tl.load(d + head).to(tl.float32)
    dstate = tl.zeros((P, N), tl.float32)
    drate = tl.zeros((Q,), tl.float32)
    dskip = tl.zeros((Q,), tl.float32)
    for back in range(chunks):
        i = chunks - 1 - back
        t, ok = _positions(L, i, Q)
        xs, bs, cs = (
            _tile(x, t, ok, x_token, P), _tile(b, t, ok, b_token, N), _tile(c, t, ok, c_token, N)
        )  # fmt: skip
        dys = _tile(dy, t, ok, heads * P, P)
        step = tl.load(dt + t * dt_token, ok, 0.0)
        state = tl.load(starts + i * P * N)
        half = dstate.to(xs.dtype)
        decay = tl.cumsum(step * rate, 0)
        end = tl.sum(step * rate, 0)
        fading = _fading(decay, Q)
        scores = tl.dot(cs, tl.trans(bs)) * fading
        mixed = scores * step[None, :]
        dmixed = tl.dot(dys, tl.trans(xs))

        left = tl.exp(end - decay)
        kept = (left * step)[:, None]
        dxs = tl.dot(tl.trans(mixed.to(xs.dtype)), dys) + dys * skip
        dxs += kept * tl.dot(bs, tl.trans(half))
        tl.store(
            dx + t[:, None] * heads * P + tl.arange(0, P)[None, :], dxs.to(xs.dtype), ok[:, None]
        )

        dstep = tl.sum(dmixed * scores, 0)
        ddecay = tl.sum(dmixed * mixed, 1) - dstep * step
        dscores = (dmixed * fading * step[None, :]).to(xs.dtype)
        features = tl.arange(0, N)[None, :]
        entering = tl.dot(dys, state) * tl.exp(decay)[:, None]
        ddecay += tl.sum(entering * cs, 1)
        dcs = tl.dot(dscores, bs) + entering
        tl.store(dc + t[:, None] * heads * N + features, dcs.to(xs.dtype), ok[:, None])
        leaving = tl.dot(xs, half)
        dbs = tl.dot(tl.trans(dscores), cs) + kept * leaving
        tl.store(db + t[:, None] * heads * N + features, dbs.to(xs.dtype), ok[:, None])

        # What this chunk leaves in the state: x_j b_j, faded from j to the chunk's end.
        added = left * tl.sum(leaving * bs, 1)
        dstep += added
        ddecay -= added * step
        dend = tl.exp(end) * tl.sum(tl.sum(dstate * state, 1), 0) + tl.sum(added * step, 0)
        # decay_i sums rate x step over all tokens up to i.
        later = tl.sum(ddecay, 0) - tl.cumsum(ddecay, 0) + ddecay + dend
        tl.store(ddt + t * heads, dstep + rate * later, ok)
        drate += later * step
        dskip += tl.sum(dys.to(tl.float32) * xs, 1)
        grown = (dys * tl.exp(decay)[:, None]).to(xs.dtype)
        dstate = dstate * tl.exp(end) + tl.dot(tl.trans(grown), cs)
    tl.store(da + row * heads + head, tl.sum(drate, 0))
    tl.store(dd + row * heads + head, tl.sum(dskip, 0))


def _sizes(x: Tensor, dt: Tensor, b: Tensor, c: Tensor) -> tuple[int, ...]:
    heads, groups = x.shape[2], b.shape[2]
    strides = (*x.stride()[:3], *dt.stride(), *b.stride()[:3], *c.stride()[:3])
    return (x.shape[1], heads, heads // groups, -(-x.shape[1] // CHUNK), *strides)


@library.custom_op("zamba2_vl::ssd_scan", mutates_args=())
def ssd_scan(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As `zamba2_vl.ops.ssd_scan` from a state of zeros, chunks of `CHUNK`.

    Width and rank are powers of two, at least 16; the last dimensions contiguous. Returns y, the
    state at the start of each chunk (batch, heads, chunks, width, rank) in x's dtype, and the last
    state. Only y is differentiable.
    """
    y, starts, last = _results(x, b)
    sizes = _sizes(x, dt, b, c)
    _forward[(len(x), x.shape[2])](
        x, dt, a, b, c, d, y, starts, last, *sizes, Q=CHUNK, P=x.shape[3], N=b.shape[3], **_FORWARD
    )
    return y, starts, last


@ssd_scan.register_fake
def _(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _results(x, b)


@library.custom_op("zamba2_vl::ssd_scan_backward", mutates_args=())
def ssd_scan_backward(
    dy: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, starts: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of dx, ddt, and by head: da (batch, heads), db, dc (batch, length, heads, rank),
    dd (batch, heads)."""
    gradients = _gradients(x, dt, b)
    _backward[(len(x), x.shape[2])](
        dy.contiguous(), x, dt, a, b, c, d, starts, *gradients, *_sizes(x, dt, b, c),
        Q=CHUNK, P=x.shape[3], N=b.shape[3], **_BACKWARD,
    )  # fmt: skip
    return gradients


@ssd_scan_backward.register_fake
def _(
    dy: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, starts: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return _gradients(x, dt, b)


def _results(x: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    batch, length, heads, width = x.shape
    chunks, rank = -(-length // CHUNK), b.shape[3]
    return (
        x.new_empty(batch, length, heads, width),
        x.new_empty(batch, heads, chunks, width, rank),
        x.new_empty(batch, heads, width, rank, dtype=torch.float32),
    )


def _gradients(
    x: Tensor, dt: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    batch, length, heads, _ = x.shape
    by_head = dt.new_empty(batch, heads)
    return (
        x.new_empty(x.shape),
        dt.new_empty(dt.shape),
        by_head,
        x.new_empty(batch, length, heads, b.shape[3]),
        x.new_empty(batch, length, heads, b.shape[3]),
        torch.empty_like(by_head),
    )


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs, output[1])
    ctx.mark_non_differentiable(output[1], output[2])


def _differentiate(ctx: Any, dy: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
    x, dt, a, b, c, d, starts = ctx.saved_tensors
    dx, ddt, da, db, dc, dd = ssd_scan_backward(dy, x, dt, a, b, c, d, starts)
    groups = (b.shape[2], -1)
    db, dc = (
        torch.unflatten(t, 2, groups).sum(3, dtype=torch.float32).to(b.dtype) for t in (db, dc)
    )
    return dx, ddt, da.sum(0), db, dc, dd.sum(0).to(d.dtype)


ssd_scan.register_autograd(_differentiate, setup_context=_keep)
