"""The short convolution on a GPU: each input is read from memory once, each output written once."""

import triton
import triton.language as tl
from torch import Tensor

_TOKENS, _CHANNELS = 16, 256
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
