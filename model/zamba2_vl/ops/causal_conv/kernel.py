"""The short convolution on a GPU: each input is read from memory once, each output written once.

The backward pass computes the sums before the SiLU again, for each tap those that it needs, instead
of keeping them; the cache serves the inputs that it therefore reads several times.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor, library

_TOKENS, _CHANNELS = 32, 128
_WARPS = 4


@triton.jit
def _inputs(x, before, t, channel, ok, x_token, before_token, TAPS: tl.constexpr):
    """(tokens, channels): the inputs at tokens t, which before the first are those remembered."""
    found = tl.load(x + t[:, None] * x_token + channel, ok & (t[:, None] >= 0), 0.0)
    if before is not None:
        early = ok & (t[:, None] < 0)
        remembered = tl.load(before + (t[:, None] + TAPS - 1) * before_token + channel, early, 0.0)
        found = tl.where(t[:, None] < 0, remembered.to(found.dtype), found)
    return found


@triton.jit
def _forward(
    x, weight, bias, before, lengths, y, last,
    length, channels, x_batch, x_token, before_batch, before_token,
    TAPS: tl.constexpr, TOKENS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(2).to(tl.int64)
    block = tl.program_id(1)
    channel = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    here = channel < channels
    channel = channel[None, :]
    x += row * x_batch
    if before is not None:
        before += row * before_batch
    t = block * TOKENS + tl.arange(0, TOKENS)
    ok = (t < length)[:, None] & here[None, :]
    total = tl.load(bias + channel, here[None, :], 0.0).to(tl.float32)
    total = tl.broadcast_to(total, (TOKENS, CHANNELS))
    for tap in tl.static_range(TAPS):
        scale = tl.load(weight + channel * TAPS + tap, here[None, :], 0.0).to(tl.float32)
        early = t + (tap - TAPS + 1)
        total += scale * _inputs(x, before, early, channel, ok, x_token, before_token, TAPS)
    mixed = (total * tl.sigmoid(total)).to(y.dtype.element_ty)
    tl.store(y + (row * length + t[:, None]) * channels + channel, mixed, ok)
    if block == 0:
        end = length
        if lengths is not None:
            end = tl.load(lengths + row).to(tl.int32)
        for kept in tl.static_range(TAPS - 1):
            token = end - (TAPS - 1) + kept + tl.zeros((1,), tl.int32)
            final = _inputs(
                x, before, token, channel, here[None, :], x_token, before_token, TAPS
            )  # fmt: skip
            places = last + (row * (TAPS - 1) + kept) * channels + channel
            tl.store(places, final.to(last.dtype.element_ty), here[None, :])


def causal_conv(
    x: Tensor, weight: Tensor, bias: Tensor, before: Tensor | None, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """As `zamba2_vl.ops.causal_conv`; the last dimensions contiguous, not differentiable."""
    batch, length, channels = x.shape
    taps = weight.shape[1]
    y = x.new_empty(batch, length, channels)
    last = (x if before is None else before).new_empty(batch, taps - 1, channels)
    grid = (triton.cdiv(channels, _CHANNELS), triton.cdiv(length, _TOKENS), batch)
    strides = (0, 0) if before is None else before.stride()[:2]
    _forward[grid](
        x, weight, bias, before, lengths, y, last, length, channels, *x.stride()[:2], *strides,
        TAPS=taps, TOKENS=_TOKENS, CHANNELS=_CHANNELS, num_warps=_WARPS,
    )  # fmt: skip
    return y, last


@triton.jit
def _slope(x, weight, bias, dy, t, channel, ok, x_token, dy_token, TAPS: tl.constexpr):
    """(tokens, channels): dy times the SiLU's derivative."""
    total = tl.load(bias + channel, ok, 0.0).to(tl.float32)
    for tap in tl.static_range(TAPS):
        early = t + (tap - TAPS + 1)
        scale = tl.load(weight + channel * TAPS + tap, ok, 0.0).to(tl.float32)
        total += scale * _inputs(x, None, early, channel, ok, x_token, 0, TAPS)
    opened = tl.sigmoid(total)
    grown = tl.load(dy + t[:, None] * dy_token + channel, ok, 0.0).to(tl.float32)
    return grown * opened * (1.0 + total * (1.0 - opened))


@triton.jit
def _backward(
    x, weight, bias, dy, dx, sums,
    length, channels, x_batch, x_token, dy_batch, dy_token,
    TAPS: tl.constexpr, TOKENS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    row, block = tl.program_id(2).to(tl.int64), tl.program_id(1)
    channel = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    here = (channel < channels)[None, :]
    channel = channel[None, :]
    x += row * x_batch
    dy += row * dy_batch
    t = block * TOKENS + tl.arange(0, TOKENS)
    ok = (t < length)[:, None] & here
    sums += ((row * tl.num_programs(1) + block) * (TAPS + 1)) * channels + channel
    own = _slope(x, weight, bias, dy, t, channel, ok, x_token, dy_token, TAPS)
    tl.store(sums + TAPS * channels, tl.sum(own, 0)[None, :], here)
    scale = tl.load(weight + channel * TAPS + TAPS - 1, here, 0.0).to(tl.float32)
    total = own * scale
    for tap in tl.static_range(TAPS):
        early = _inputs(x, None, t + (tap - TAPS + 1), channel, ok, x_token, 0, TAPS)
        tl.store(sums + tap * channels, tl.sum(own * early, 0)[None, :], here)
    for tap in tl.static_range(TAPS - 1):
        later = t + (TAPS - 1 - tap)
        ahead = (later < length)[:, None] & here
        scale = tl.load(weight + channel * TAPS + tap, here, 0.0).to(tl.float32)
        slope = _slope(x, weight, bias, dy, later, channel, ahead, x_token, dy_token, TAPS)
        total += scale * slope
    places = dx + (row * length + t[:, None]) * channels + channel
    tl.store(places, total.to(dx.dtype.element_ty), ok)


@library.custom_op("zamba2_vl::causal_conv", mutates_args=())
def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`causal_conv` from the start of a sequence, differentiable."""
    return causal_conv(x, weight, bias, None, None)[0]


@convolve.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return x.new_empty(x.shape)


@library.custom_op("zamba2_vl::causal_conv_backward", mutates_args=())
def convolve_backward(dy: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """dx, and the gradients of weight and bias, (taps + 1, channels) float32, the bias's last."""
    batch, length, channels = x.shape
    taps, blocks = weight.shape[1], triton.cdiv(length, _TOKENS)
    dx = x.new_empty(x.shape)
    sums = x.new_empty(batch, blocks, taps + 1, channels, dtype=torch.float32)
    _backward[(triton.cdiv(channels, _CHANNELS), blocks, batch)](
        x, weight, bias, dy, dx, sums, length, channels, *x.stride()[:2], *dy.stride()[:2],
        TAPS=taps, TOKENS=_TOKENS, CHANNELS=_CHANNELS, num_warps=_WARPS,
    )  # fmt: skip
    return dx, sums.sum((0, 1))


@convolve_backward.register_fake
def _(dy: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    shape = (weight.shape[1] + 1, x.shape[2])
    return x.new_empty(x.shape), x.new_empty(shape, dtype=torch.float32)


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x, weight, bias = ctx.saved_tensors
    dy = dy if dy.stride(-1) == 1 else dy.contiguous()
    dx, sums = convolve_backward(dy, x, weight, bias)
    return dx, sums[:-1].mT.to(weight.dtype), sums[-1].to(bias.dtype)


convolve.register_autograd(_differentiate, setup_context=_keep)
