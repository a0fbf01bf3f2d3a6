"""Attention inside short windows on a GPU, with gradients: one program a window and head.

A window's queries, keys and values fit into one tile, so nothing but they and the result is read
or written, and the backward pass computes the scores again instead of keeping them.
"""

from typing import Any

import triton
import triton.language as tl
from torch import Tensor, library

_WARPS = 4


@triton.jit
def _tile(base, n, ok, stride, WIDTH: tl.constexpr):
    """(patches, WIDTH), zeros past the window's end."""
    return tl.load(base + n[:, None] * stride + tl.arange(0, WIDTH)[None, :], ok[:, None], 0.0)


@triton.jit
def _softmax(q, k, ok, scale):
    scores = tl.where(ok[None, :], tl.dot(q, tl.trans(k)) * scale, -float("inf"))
    grown = tl.exp(scores - tl.max(scores, 1)[:, None])
    return grown / tl.sum(grown, 1)[:, None]


@triton.jit
def _forward(
    q, k, v, y, bounds,
    length, windows, heads, scale,
    q_row, q_patch, q_head, v_row, v_patch, v_head,
    W: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    window, row, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    bounds += row * (windows + 1) + window
    first, end = tl.load(bounds), tl.load(bounds + 1)
    if first < end:
        n = first + tl.arange(0, W)
        ok = n < end
        qs = _tile(q + row * q_row + head * q_head, n, ok, q_patch, WIDTH)
        ks = _tile(k + row * q_row + head * q_head, n, ok, q_patch, WIDTH)
        vs = _tile(v + row * v_row + head * v_head, n, ok, v_patch, WIDTH)
        mixed = tl.dot(_softmax(qs, ks, ok, scale).to(vs.dtype), vs)
        places = y + ((row * length + n[:, None]) * heads + head) * WIDTH
        tl.store(places + tl.arange(0, WIDTH)[None, :], mixed.to(vs.dtype), ok[:, None])


@triton.jit
def _backward(
    dy, q, k, v, dq, dk, dv, bounds,
    length, windows, heads, scale,
    q_row, q_patch, q_head, v_row, v_patch, v_head,
    W: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    window, row, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    bounds += row * (windows + 1) + window
    first, end = tl.load(bounds), tl.load(bounds + 1)
    if first < end:
        n = first + tl.arange(0, W)
        ok = n < end
        qs = _tile(q + row * q_row + head * q_head, n, ok, q_patch, WIDTH)
        ks = _tile(k + row * q_row + head * q_head, n, ok, q_patch, WIDTH)
        vs = _tile(v + row * v_row + head * v_head, n, ok, v_patch, WIDTH)
        dys = _tile(dy + (row * length * heads + head) * WIDTH, n, ok, heads * WIDTH, WIDTH)
        weights = _softmax(qs, ks, ok, scale)
        dweights = tl.dot(dys, tl.trans(vs))
        dscores = weights * (dweights - tl.sum(weights * dweights, 1)[:, None]) * scale
        half = dscores.to(qs.dtype)
        places = ((row * length + n[:, None]) * heads + head) * WIDTH + tl.arange(0, WIDTH)[None, :]
        tl.store(dq + places, tl.dot(half, ks).to(qs.dtype), ok[:, None])
        tl.store(dk + places, tl.dot(tl.trans(half), qs).to(qs.dtype), ok[:, None])
        tl.store(dv + places, tl.dot(tl.trans(weights.to(qs.dtype)), dys).to(qs.dtype), ok[:, None])


def _launch(q: Tensor, v: Tensor, bounds: Tensor, scale: float) -> tuple[Any, ...]:
    windows = bounds.shape[1] - 1
    sizes = (q.shape[1], windows, q.shape[2], scale, *q.stride()[:3], *v.stride()[:3])
    return (windows, len(q), q.shape[2]), sizes


@library.custom_op("zamba2_vl::window_attention", mutates_args=())
def window_attention(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> Tensor:
    """As `zamba2_vl.ops.window_attention`. Width and `longest` are powers of two, at least 16; q
    and k of the same strides; the last dimensions contiguous."""
    y = q.new_zeros(q.shape)
    grid, sizes = _launch(q, v, bounds, scale)
    _forward[grid](q, k, v, y, bounds, *sizes, W=longest, WIDTH=q.shape[3], num_warps=_WARPS)
    return y


@window_attention.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int) -> Tensor:
    return q.new_empty(q.shape)


@library.custom_op("zamba2_vl::window_attention_backward", mutates_args=())
def window_attention_backward(
    dy: Tensor, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of q, k and v."""
    gradients = q.new_zeros(q.shape), q.new_zeros(q.shape), q.new_zeros(q.shape)
    grid, sizes = _launch(q, v, bounds, scale)
    _backward[grid](
        dy.contiguous(), q, k, v, *gradients, bounds, *sizes, W=longest, WIDTH=q.shape[3],
        num_warps=_WARPS,
    )  # fmt: skip
    return gradients


@window_attention_backward.register_fake
def _(
    dy: Tensor, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), q.new_empty(q.shape), q.new_empty(q.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    q, k, v, bounds, ctx.scale, ctx.longest = inputs
    ctx.save_for_backward(q, k, v, bounds)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    q, k, v, bounds = ctx.saved_tensors
    gradients = window_attention_backward(dy, q, k, v, bounds, ctx.scale, ctx.longest)
    return *gradients, None, None, None


window_attention.register_autograd(_differentiate, setup_context=_keep)
