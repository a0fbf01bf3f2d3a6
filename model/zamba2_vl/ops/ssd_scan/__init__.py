"""Mamba2's scan over a whole sequence, for prefill and training."""

import torch
from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.ssd_scan import library, reference

if backend.TRITON:
    from zamba2_vl.ops.ssd_scan import kernel, segments


def ssd_scan(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    d: Tensor,
    chunk_size: int,
    state: Tensor | None = None,
    lengths: Tensor | None = None,
    bias: Tensor | None = None,
    floor: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """y_t = C_t·S_t + D x_t with S_t = exp(dt_t A) S_(t-1) + dt_t x_t B_t.

    x: (batch, length, heads, width); dt: (batch, length, heads) float32, positive, or 0 for a token
    that must leave no trace; or, with a bias (heads,), raw and of any dtype, which makes dt
    softplus(dt + bias), `floor` at least; a: (heads,) float32, negative; b, c: (batch, length,
    groups, rank), heads / groups consecutive heads share a group; d: (heads,); state: (batch,
    heads, width, rank) float32 before the first token, None for zeros; lengths: (batch,) valid
    tokens of each row, the others' y being rubbish, None if all are.

    Returns y, shaped and typed like x, and the float32 state after the last valid token. Decays and
    states are float32, the large products in x's dtype, under autocast too. On a GPU a Triton
    kernel runs where width and rank are powers of two from 16: from zeros one through which only y
    is differentiable; with a state or lengths, where no gradient is asked for, one whose memory
    does not grow, or mamba_ssm where that was chosen. Else memory grows with length x chunk_size.
    """
    sizes = (x.shape[-1], b.shape[-1])
    onward = not (state is None and lengths is None)
    how = backend.chosen("ssd_scan", x, *sizes) if onward and not backend.differentiated(x) else ""
    if how == "triton":
        return segments.ssd_scan(x, dt, a, b, c, d, state, lengths, bias, floor)
    if how == "mamba_ssm":
        dt = reference.steps(dt, bias, floor)
        return library.ssd_scan(x, dt, a, b, c, d, chunk_size, state, lengths)
    if not onward and backend.kernels("ssd_scan", x, *sizes):
        y, _, last = kernel.ssd_scan(x, reference.steps(dt, bias, floor), a, b, c, d)
        return y, last
    with torch.autocast(x.device.type, enabled=False):
        return reference.ssd_scan(x, dt, a, b, c, d, chunk_size, state, lengths, bias, floor)
