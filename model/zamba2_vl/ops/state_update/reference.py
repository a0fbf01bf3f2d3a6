"""One token's step in as few passes over the state as PyTorch allows."""

import torch.nn.functional as F
from torch import Tensor

from zamba2_vl.ops.causal_conv.reference import causal_conv
from zamba2_vl.ops.gated_norm.reference import gated_norm
from zamba2_vl.ops.state_update.weights import Weights


def state_update(
    projected: Tensor, conv: Tensor, ssm: Tensor, weights: Weights, lengths: Tensor | None
) -> Tensor:
    batch, heads, width, rank = ssm.shape
    inner, part = heads * width, weights.groups * rank
    gate, mixed, dt = projected.split_with_sizes([inner, inner + 2 * part, heads], dim=-1)
    mixed, last = causal_conv(mixed[:, None], weights.conv, weights.conv_bias, conv, lengths)
    conv.copy_(last)
    x, b, c = mixed[:, 0].split_with_sizes([inner, part, part], dim=-1)
    dt = F.softplus(dt.float() + weights.dt_bias.float()).clamp(min=weights.floor)
    if lengths is not None:
        dt = dt * (lengths > 0)[:, None]
    b, c = (t.view(batch, weights.groups, rank) for t in (b, c))
    a = -weights.a_log.float().exp()
    y = recur(ssm, x.view(batch, heads, width), dt, a, b, c, weights.d.to(x.dtype))
    return gated_norm(y.view(batch, inner), gate, weights.norm, weights.groups, weights.eps)


def recur(
    state: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor
) -> Tensor:
    """One step of the recurrence of `ssd_scan`; `state` is changed in place.

    state: (batch, heads, width, rank) float32; x: (batch, heads, width); dt: (batch, heads)
    float32, 0 for a row that must not move; a, d: (heads,); b, c: (batch, groups, rank).
    Returns y, shaped and typed like x.
    """
    batch, groups, rank = b.shape
    # Heads of one group share b and c, so their rows can be treated as one taller matrix.
    tall = state.view(batch, groups, -1, rank)
    state.mul_((dt * a).exp_()[..., None, None])
    tall.addcmul_((x * dt[..., None]).view(batch, groups, -1, 1), b.to(state.dtype)[:, :, None])
    y = (tall @ c.to(state.dtype)[..., None]).view(x.shape)
    return y.addcmul_(x, d[:, None]).to(x.dtype)
