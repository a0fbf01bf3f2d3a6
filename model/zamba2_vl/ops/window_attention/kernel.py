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
def _tile(base, n, ok, stride, WIDTH: tl.constexpr, N: tl.constexpr):
    """(patches, N), zeros past the window's end and past the width."""
    feature = tl.arange(0, N)[None, :]
    return tl.load(base + n[:, None] * stride + feature, ok[:, None] & (feature < WIDTH), 0.0)


@triton.jit
def _keep(base, n, ok, stride, tile, WIDTH: tl.constexpr, N: tl.constexpr):
    feature = tl.arange(0, N)[None, :]
    places = base + n[:, None] * stride + feature
    tl.store(places, tile.to(base.dtype.element_ty), ok[:, None] & (feature < WIDTH))


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
    W: tl.constexpr, WIDTH: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    window, row, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    bounds += row * (windows + 1) + window
    first, end = tl.load(bounds), tl.load(bounds + 1)
    if first < end:
        n = first + tl.arange(0, W)
        ok = n < end
        qs = _tile(q + row * q_row + head * q_head, n, ok, q_patch, WIDTH, N)
        ks = _tile(k + row * q_row + head * q_head, n, ok, q_patch, WIDTH, N)
        vs = _tile(v + row * v_row + head * v_head, n, ok, v_patch, WIDTH, N)
        mixed = tl.dot(_softmax(qs, ks, ok, scale).to(vs.dtype), vs)
        _keep(y + (row * length * heads + head) * WIDTH, n, ok, heads * WIDTH, mixed, WIDTH, N)


@triton.jit
def _backward(
    dy, q, k, v, dq, dk, dv, bounds,
    length, windows, heads, scale,
    q_row, q_patch, q_head, v_row, v_patch, v_head,
    W: tl.constexpr, WIDTH: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    window, row, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    bounds += row * (windows + 1) + window
    first, end = tl.load(bounds), tl.load(bounds + 1)
    if first < end:
        n = first + tl.arange(0, W)
        ok = n < end
        qs = _tile(q + row * q_row + head * q_head, n, ok, q_patch, WIDTH, N)
        ks = _tile(k + row * q_row + head * q_head, n, ok, q_patch, WIDTH, N)
        vs = _tile(v + row * v_row + head * v_head, n, ok, v_patch, WIDTH, N)
        dys = _tile(dy + (row * length * heads + head) * WIDTH, n, ok, heads * WIDTH, WIDTH, N)
        weights = _softmax(qs, ks, ok, scale)
        dweights = tl.dot(dys, tl.trans(vs))
        dscores = weights * (dweights - tl.sum(weights * dweights, 1)[:, None]) * scale
        half = dscores.to(qs.dtype)
        first, stride = (row * length * heads + head) * WIDTH, heads * WIDTH
        _keep(dq + first, n, ok, stride, tl.dot(half, ks), WIDTH, N)
        _keep(dk + first, n, ok, stride, tl.dot(tl.trans(half), qs), WIDTH, N)
        dvs = tl.dot(tl.trans(weights.to(qs.dtype)), dys)
        _keep(dv + first, n, ok, stride, dvs, WIDTH, N)


def _launch(q: Tensor, v: Tensor, bounds: Tensor, scale: float) -> tuple[Any, ...]:
    windows = bounds.shape[1] - 1
    sizes = (q.shape[1], windows, q.shape[2], scale, *q.stride()[:3], *v.stride()[:3])
    return (windows, len(q), q.shape[2]), sizes


def _tiles(width: int, longest: int) -> dict[str, int]:
    """Sizes of a window's tile, and the warps for it."""
    wide = max(triton.next_power_of_2(width), 16)
    return {"W": longest, "WIDTH": width, "N": wide, "num_warps": _WARPS}


@library.custom_op("zamba2_vl::window_attention", mutates_args=())
def window_attention(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> Tensor:
    """As `zamba2_vl.ops.window_attention`. `longest` is a power of two, at least 16; q and k of
    the same strides; the last dimensions contiguous."""
    y = q.new_zeros(q.shape)
    grid, sizes = _launch(q, v, bounds, scale)
    _forward[grid](q, k, v, y, bounds, *sizes, **_tiles(q.shape[3], longest))
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
        dy.contiguous(), q, k, v, *gradients, bounds, *sizes, **_tiles(q.shape[3], longest)
    )
    return gradients


@window_attention_backward.register_fake
def _(
    dy: Tensor, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), q.new_empty(q.shape), q.new_empty(q.shape)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    q, k, v, bounds, ctx.scale, ctx.longest = inputs
    ctx.save_for_backward(q, k, v, bounds)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    q, k, v, bounds = ctx.saved_tensors
    gradients = window_attention_backward(dy, q, k, v, bounds, ctx.scale, ctx.longest)
    return *gradients, None, None, None


window_attention.register_autograd(_differentiate, setup_context=_remember)
