"""A decoding step on a GPU in two launches.

The first has a program for a few rows of each head's state, so that batch 1 fills the GPU too: it
convolves the inputs that it needs, moves the state on and gates what comes out. The second takes
the norm over all heads. The convolution's inputs for B and C, which every head of a group reads in
the first, move on only there.
"""

import triton
import triton.language as tl
from torch import Tensor

from zamba2_vl.ops.functions import softplus
from zamba2_vl.ops.state_update.weights import Weights

_PART = 16  # rows of a head's state in a program; of whole heads even 64 answers are slower


@triton.jit
def _convolved(fresh, conv, weight, bias, channel, conv_token, TAPS: tl.constexpr):
    new = tl.load(fresh + channel)
    total = tl.load(bias + channel).to(tl.float32)
    total += new.to(tl.float32) * tl.load(weight + channel * TAPS + TAPS - 1).to(tl.float32)
    for tap in tl.static_range(TAPS - 1):
        old = tl.load(conv + tap * conv_token + channel).to(new.dtype).to(tl.float32)
        total += old * tl.load(weight + channel * TAPS + tap).to(tl.float32)
    return (total * tl.sigmoid(total)).to(new.dtype).to(tl.float32)


@triton.jit
def _move_on(fresh, conv, channel, conv_token, TAPS: tl.constexpr, moves):
    """Forget the oldest input. All threads must have read what is overwritten."""
    for tap in tl.static_range(TAPS - 2):
        later = tl.load(conv + (tap + 1) * conv_token + channel)
        tl.debug_barrier()
        tl.store(conv + tap * conv_token + channel, later, moves)
    new = tl.load(fresh + channel).to(conv.dtype.element_ty)
    tl.debug_barrier()
    tl.store(conv + (TAPS - 2) * conv_token + channel, new, moves)


@triton.jit
def _recur(
    projected, conv, ssm, lengths, conv_weight, conv_bias, dt_bias, a_log, d, gated,
    heads, groups, floor, projected_row, conv_row, conv_token, ssm_row,
    TAPS: tl.constexpr, P: tl.constexpr, N: tl.constexpr, PART: tl.constexpr,
):  # fmt: skip
    head, part, row = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    inner = heads * P
    projected += row * projected_row
    fresh = projected + inner
    conv += row * conv_row
    group = head // (heads // groups)
    width = head * P + part * PART + tl.arange(0, PART)
    rank = inner + group * N + tl.arange(0, N)
    x = _convolved(fresh, conv, conv_weight, conv_bias, width, conv_token, TAPS)
    b = _convolved(fresh, conv, conv_weight, conv_bias, rank, conv_token, TAPS)
    c = _convolved(fresh, conv, conv_weight, conv_bias, rank + groups * N, conv_token, TAPS)
    raw = tl.load(projected + 2 * inner + 2 * groups * N + head).to(tl.float32)
    step = tl.maximum(softplus(raw + tl.load(dt_bias + head).to(tl.float32)), floor)
    rate = -tl.exp(tl.load(a_log + head).to(tl.float32))
    place = ssm + row * ssm_row + width[:, None] * N + tl.arange(0, N)[None, :]
    state = tl.load(place) * tl.exp(step * rate) + (x * step)[:, None] * b[None, :]
    y = tl.sum(state * c[None, :], 1) + x * tl.load(d + head).to(tl.float32)
    gate = tl.load(projected + width).to(tl.float32)
    moves = True
    if lengths is not None:
        moves = tl.load(lengths + row) > 0
    # A thread may hold what another one writes, too.
    tl.debug_barrier()
    tl.store(place, state, moves)
    tl.store(gated + row * inner + width, y * gate * tl.sigmoid(gate))
    _move_on(fresh, conv, width, conv_token, TAPS, moves)


@triton.jit
def _norm(
    gated, projected, conv, lengths, weight, normed,
    inner, groups, eps, projected_row, conv_row, conv_token,
    TAPS: tl.constexpr, N: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    group, row = tl.program_id(0), tl.program_id(1).to(tl.int64)
    width = inner // groups
    feature = group * width + tl.arange(0, WIDTH)
    ok = tl.arange(0, WIDTH) < width
    y = tl.load(gated + row * inner + feature, ok, 0.0)
    scale = tl.rsqrt(tl.sum(y * y, 0) / width + eps)
    out = y * scale * tl.load(weight + feature, ok, 0.0).to(tl.float32)
    tl.store(normed + row * inner + feature, out.to(normed.dtype.element_ty), ok)
    fresh = projected + row * projected_row + inner
    conv += row * conv_row
    moves = True
    if lengths is not None:
        moves = tl.load(lengths + row) > 0
    rank = inner + group * N + tl.arange(0, N)
    _move_on(fresh, conv, rank, conv_token, TAPS, moves)
    _move_on(fresh, conv, rank + groups * N, conv_token, TAPS, moves)


def state_update(
    projected: Tensor, conv: Tensor, ssm: Tensor, weights: Weights, lengths: Tensor | None
) -> Tensor:
    """As `zamba2_vl.ops.state_update`. Width and rank are powers of two, at least 16; the last
    dimensions and the state of a row contiguous; not differentiable."""
    batch, heads, width, rank = ssm.shape
    inner, groups = heads * width, weights.groups
    taps = weights.conv.shape[1]
    gated = ssm.new_empty(batch, inner)
    normed = projected.new_empty(batch, inner)
    rows = (projected.stride(0), *conv.stride()[:2])
    _recur[(heads, width // _PART, batch)](
        projected, conv, ssm, lengths, weights.conv, weights.conv_bias, weights.dt_bias,
        weights.a_log, weights.d, gated, heads, groups, weights.floor, *rows, ssm.stride(0),
        TAPS=taps, P=width, N=rank, PART=_PART, num_warps=4,
    )  # fmt: skip
    block = triton.next_power_of_2(inner // groups)
    _norm[(groups, batch)](
        gated, projected, conv, lengths, weights.norm, normed, inner, groups, weights.eps, *rows,
        TAPS=taps, N=rank, WIDTH=block, num_warps=min(16, max(1, block // 256)),
    )  # fmt: skip
    return normed
